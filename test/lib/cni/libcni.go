// Converts results by libcni's own types: for each line {"to": version, "result": {...}} on stdin
// one line on stdout, the result in that version or {"error": "..."}.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	_ "github.com/containernetworking/cni/pkg/types/020"
	_ "github.com/containernetworking/cni/pkg/types/040"
	_ "github.com/containernetworking/cni/pkg/types/100"
	"github.com/containernetworking/cni/pkg/types/create"
)

type question struct {
	To     string          `json:"to"`
	Result json.RawMessage `json:"result"`
}

func convert(line []byte) (interface{}, error) {
	var q question
	if err := json.Unmarshal(line, &q); err != nil {
		return nil, err
	}
	result, err := create.CreateFromBytes(q.Result)
	if err != nil {
		return nil, err
	}
	return result.GetAsVersion(q.To)
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		answer, err := convert(lines.Bytes())
		if err != nil {
			answer = map[string]string{"error": err.Error()}
		}
		text, err := json.Marshal(answer)
		if err != nil {
			panic(err)
		}
		fmt.Println(string(text))
	}
}
