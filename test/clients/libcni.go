// Does what cnitool does, of which Debian has no package: ADD, CHECK and DEL of a network list, or
// its validation, by libcni itself.
//
//	libcni add|check|del|validate <list> <cache folder>
//
// The attachment is in the environment as for a plugin (CNI_PATH, CNI_CONTAINERID, CNI_NETNS,
// CNI_IFNAME, CNI_ARGS), and in CAP_ARGS what is asked of capabilities, as JSON.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/containernetworking/cni/libcni"
)

func run(verb, file, cache string) error {
	list, err := libcni.ConfListFromFile(file)
	if err != nil {
		return err
	}
	path := filepath.SplitList(os.Getenv("CNI_PATH"))
	cni := libcni.NewCNIConfigWithCacheDir(path, cache, nil)
	attachment := &libcni.RuntimeConf{
		ContainerID: os.Getenv("CNI_CONTAINERID"),
		NetNS:       os.Getenv("CNI_NETNS"),
		IfName:      os.Getenv("CNI_IFNAME"),
	}
	for _, pair := range strings.Split(os.Getenv("CNI_ARGS"), ";") {
		if key, value, found := strings.Cut(pair, "="); found {
			attachment.Args = append(attachment.Args, [2]string{key, value})
		}
	}
	if asked := os.Getenv("CAP_ARGS"); asked != "" {
		if err := json.Unmarshal([]byte(asked), &attachment.CapabilityArgs); err != nil {
			return err
		}
	}
	ctx := context.Background()
	switch verb {
	case "add":
		result, err := cni.AddNetworkList(ctx, list, attachment)
		if err != nil {
			return err
		}
		return result.Print()
	case "check":
		return cni.CheckNetworkList(ctx, list, attachment)
	case "del":
		return cni.DelNetworkList(ctx, list, attachment)
	case "validate":
		capabilities, err := cni.ValidateNetworkList(ctx, list)
		if err != nil {
			return err
		}
		return json.NewEncoder(os.Stdout).Encode(capabilities)
	}
	return fmt.Errorf("no such verb: %s", verb)
}

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "libcni add|check|del|validate <list> <cache folder>")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
