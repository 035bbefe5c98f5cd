// Records ../../jq-paths.json anew with gojq, the way Argo CD calls it (util/argo/normalizers/diff_normalizer.go):
//
//	go mod init recorder && go get github.com/itchyny/gojq@v0.12.17 && go run . ../../jq-paths.json
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"time"

	"github.com/itchyny/gojq"
)

type vector struct {
	Expression string           `json:"expression"`
	Input      int              `json:"input"`
	Value      *json.RawMessage `json:"value,omitempty"`
	Error      string           `json:"error,omitempty"`
	Compile    string           `json:"compile,omitempty"`
}

type document struct {
	Inputs []json.RawMessage `json:"inputs"`
	Cases  []vector          `json:"cases"`
}

func record(expression string, number int, input json.RawMessage) vector {
	result := vector{Expression: expression, Input: number}
	query, err := gojq.Parse("del(" + expression + ")")
	if err != nil {
		result.Compile = err.Error()
		return result
	}
	code, err := gojq.Compile(query)
	if err != nil {
		result.Compile = err.Error()
		return result
	}
	var value any
	if err := json.Unmarshal(input, &value); err != nil {
		panic(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	results := code.RunWithContext(ctx, value)
	first, ok := results.Next()
	if err, failed := first.(error); failed {
		result.Error = err.Error()
		return result
	}
	if _, more := results.Next(); !ok || more {
		result.Error = "not exactly one result"
		return result
	}
	raw, err := json.Marshal(first)
	if err != nil {
		panic(err)
	}
	result.Value = (*json.RawMessage)(&raw)
	return result
}

func main() {
	file := os.Args[1]
	data, err := os.ReadFile(file)
	if err != nil {
		panic(err)
	}
	var recorded document
	if err := json.Unmarshal(data, &recorded); err != nil {
		panic(err)
	}
	seen := map[string]bool{}
	var out bytes.Buffer
	out.WriteString("{\"inputs\": [")
	for i, input := range recorded.Inputs {
		if i > 0 {
			out.WriteString(",")
		}
		out.WriteString("\n")
		if err := json.Compact(&out, input); err != nil {
			panic(err)
		}
	}
	out.WriteString("\n],\n\"cases\": [")
	for _, known := range recorded.Cases {
		if seen[known.Expression] {
			continue
		}
		for i, input := range recorded.Inputs {
			if len(seen) > 0 || i > 0 {
				out.WriteString(",")
			}
			seen[known.Expression] = true
			result := record(known.Expression, i, input)
			line := &bytes.Buffer{}
			encoder := json.NewEncoder(line)
			encoder.SetEscapeHTML(false)
			if err := encoder.Encode(result); err != nil {
				panic(err)
			}
			out.WriteString("\n" + string(bytes.TrimSpace(line.Bytes())))
			if result.Compile != "" {
				break
			}
		}
	}
	out.WriteString("\n]}\n")
	if err := os.WriteFile(file, out.Bytes(), 0o644); err != nil {
		panic(err)
	}
}
