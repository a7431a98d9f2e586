// A client of one's own in Go: go build -o client client.go, then --client ./client.
package main

import (
	"bufio"
	"encoding/json"
	"net"
	"os"
	"time"
)

type line = map[string]any

func ask(in line) line {
	request := []any{"get", in["key"]}
	switch in["f"] {
	case "write":
		request = []any{"set", in["key"], in["value"]}
	case "cas":
		request = append([]any{"cas", in["key"]}, in["value"].([]any)...)
	}
	limit := time.Duration(in["deadline_ms"].(float64)) * time.Millisecond
	c, err := net.DialTimeout("tcp", os.Getenv("SCHISM_ADDRESS"), limit)
	if err != nil {
		return line{"type": "fail", "error": err.Error()} // nothing was sent
	}
	defer c.Close()
	var reply []any
	c.SetDeadline(time.Now().Add(limit))
	if json.NewEncoder(c).Encode(request) != nil || json.NewDecoder(c).Decode(&reply) != nil {
		return line{"type": "info", "error": "no answer"} // it may have happened
	}
	return line{"type": map[any]string{"ok": "ok", "no": "fail"}[reply[0]], "value": reply[1]}
}

func main() {
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		var invoke line
		json.Unmarshal(in.Bytes(), &invoke)
		out := ask(invoke)
		out["id"] = invoke["id"]
		json.NewEncoder(os.Stdout).Encode(out)
	}
}
