// Renders Go templates as Ollama does (template/template.go): missingkey=zero, .Messages of *Message with Role and Content.
// stdin: JSON list of {template, messages}; stdout: JSON list of {text} or {error}, in the same order.
// Command: see make.ts
package main

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"text/template"
)

type Message struct {
	Role    string
	Content string
}

type Case struct {
	Template string
	Messages []*Message
}

type Result struct {
	Text  *string `json:"text,omitempty"`
	Error string  `json:"error,omitempty"`
}

func run(c Case) Result {
	t, err := template.New("").Option("missingkey=zero").Parse(c.Template)
	if err != nil {
		return Result{Error: err.Error()}
	}
	var system []string
	for _, m := range c.Messages {
		if m.Role == "system" {
			system = append(system, m.Content)
		}
	}
	var out bytes.Buffer
	err = t.Execute(&out, map[string]any{"System": strings.Join(system, "\n\n"), "Messages": c.Messages, "Response": ""})
	if err != nil {
		return Result{Error: err.Error()}
	}
	text := out.String()
	return Result{Text: &text}
}

func main() {
	var cases []Case
	if err := json.NewDecoder(os.Stdin).Decode(&cases); err != nil {
		panic(err)
	}
	results := []Result{}
	for _, c := range cases {
		results = append(results, run(c))
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(results); err != nil {
		panic(err)
	}
}
