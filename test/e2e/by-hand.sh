#!/bin/sh
# Does what a container runtime does, with a shell and ping alone, and knows nothing of the plugin
# but its type: ADD for two containers, ping, CHECK, DEL, DEL again. Ends at the first that fails.
#
# usage: by-hand.sh <CNI version> <network name> <plugin's file> <netns> <other netns>
#
# The plugin's file is one entry of a network list's "plugins". CNI_PATH says where plugins are.
set -eu

version=$1 name=$2 plugin=$3 one=$4 other=$5

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The first value of a key in a file of JSON.
value() { tr '{},' '\n\n\n' <"$2" | sed -n "s/^ *\"$1\": *\"\([^\"]*\)\".*/\1/p" | head -n 1; }

type=$(value type "$plugin")

# The configuration on stdin: the plugin's, with the list's name and version, and from 0.4.0 on
# with what the ADD gave.
configuration() {
	result=$work/$1.result
	case $version in 0.[123].*) ;; *) [ ! -s "$result" ] || previous=$(cat "$result") ;; esac
	head="{ \"cniVersion\": \"$version\", \"name\": \"$name\","
	sed "1s|{|$head${previous:+ \"prevResult\": $previous,}|" "$plugin"
	previous=
}

# cni <command> <netns>
cni() {
	configuration "$2" >"$work/stdin"
	echo "$1 $2" >&2
	CNI_COMMAND=$1 CNI_CONTAINERID=$2 CNI_NETNS=/run/netns/$2 CNI_IFNAME=eth0 CNI_PATH=$CNI_PATH \
		"$CNI_PATH/$type" <"$work/stdin"
}

for container in "$one" "$other"; do
	cni ADD "$container" >"$work/result"
	mv "$work/result" "$work/$container.result"
	cat "$work/$container.result"
done

address=$(value address "$work/$other.result")
for to in "${address%/*}" "$(value gateway "$work/$one.result")"; do
	ip netns exec "$one" ping -n -q -c 1 -W 2 "$to" >&2
done

for container in "$one" "$other"; do
	case $version in 0.[123].*) ;; *) cni CHECK "$container" ;; esac
done
for container in "$one" "$one" "$other" "$other"; do
	cni DEL "$container"
done
