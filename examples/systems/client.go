// A client of one's own in Go: go build -o client client.go, then --client ./client.
package main

import (
	"bufio"
	"encoding/json"
	"net"
	"os"
	"time"
)

func ask(f string, key, value any, limit time.Duration) (string, any) {
	request := []any{"get", key}
	if f == "write" {
		request = []any{"set", key, value}
	} else if f == "cas" {
		request = append([]any{"cas", key}, value.([]any)...)
	}
	c, err := net.DialTimeout("tcp", os.Getenv("SCHISM_ADDRESS"), limit)
	if err != nil {
		return "fail", nil // nothing was sent
	}
	defer c.Close()
	var reply []any
	c.SetDeadline(time.Now().Add(limit))
	if json.NewEncoder(c).Encode(request) != nil || json.NewDecoder(c).Decode(&reply) != nil {
		return "info", nil // it may have happened
	}
	return map[any]string{"ok": "ok", "no": "fail"}[reply[0]], reply[1]
}

func main() {
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		var q map[string]any
		json.Unmarshal(in.Bytes(), &q)
		limit := time.Duration(q["deadline_ms"].(float64)) * time.Millisecond
		kind, value := ask(q["f"].(string), q["key"], q["value"], limit)
		json.NewEncoder(os.Stdout).Encode(map[string]any{"id": q["id"], "type": kind, "value": value})
	}
}
