// A shim for the Purser conformance suite: JSON lines in, JSON lines out. Copy it, and fill in call.
//
// Run: go build && purser-conformance run --shim ./my-purser-shim
package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
)

type object = map[string]any

// State is whatever your library keeps between calls. reset makes a new one.
type State struct{}

// Reject is a refusal: a code and a stage of spec/registries/errors.csv, and further members of the reply.
// Own names of codes will do, where purser-conformance.toml maps them: [codes] own = "ours".
type Reject struct {
	Code, Stage string
	More        object
}

func (r Reject) Error() string { return r.Code + " at " + r.Stage }

// errUnsupported says that your library does not have this. Any other error is a fault.
var errUnsupported = errors.New("unsupported")

func hello() object {
	return object{
		"implementation": object{"name": "my-purser", "version": "0.1.0", "language": "go"},
		"roles":          []string{"verifier"}, // verifier, issuer, agent, merchant, wallet
		"spec":           []string{"1"},
		"features":       []string{"core"}, // those of chapter 2 that you have
		"in_flight_max":  1,
	}
}

func call(state *State, op string, input object) (object, error) {
	switch op {
	case "hello":
		return hello(), nil
	case "reset":
		*state = State{}
		return object{}, nil
	case "paper.verify":
		paper, err := bytes(input, "paper")
		if err != nil {
			return nil, err
		}
		_ = paper
		// verified, err := mylibrary.Verify(paper, ...)
		// if err != nil { return nil, Reject{"cbor-duplicate-key", "encoding", object{"offset": 17}} }
		// return object{"id": hex.EncodeToString(verified.ID), "payload": ...}, nil
		return nil, errUnsupported
	}
	// One case for each operation of conformance/shim.md that your roles have.
	return nil, errUnsupported
}

func text(input object, name string) (string, error) {
	if text, ok := input[name].(string); ok {
		return text, nil
	}
	return "", fmt.Errorf("%s is no text", name)
}

func bytes(input object, name string) ([]byte, error) {
	digits, err := text(input, name)
	if err != nil {
		return nil, err
	}
	return hex.DecodeString(digits)
}

func answer(state *State, line []byte) (reply object) {
	var asked struct {
		ID    any    `json:"id"`
		Op    string `json:"op"`
		Input object `json:"input"`
	}
	reply = object{"outcome": "fault"}
	// A panic is a fault of this call, and loses no other.
	defer func() {
		if broken := recover(); broken != nil {
			reply = object{"id": asked.ID, "outcome": "fault", "message": fmt.Sprint(broken)}
		}
	}()
	if err := json.Unmarshal(line, &asked); err != nil {
		return object{"id": nil, "outcome": "fault", "message": err.Error()}
	}
	value, err := call(state, asked.Op, asked.Input)
	var reject Reject
	switch {
	case err == nil:
		return object{"id": asked.ID, "outcome": "accept", "value": value}
	case errors.Is(err, errUnsupported):
		return object{"id": asked.ID, "outcome": "unsupported"}
	case errors.As(err, &reject):
		reply = object{"id": asked.ID, "outcome": "reject", "code": reject.Code, "stage": reject.Stage}
		for name, member := range reject.More {
			reply[name] = member
		}
		return reply
	}
	return object{"id": asked.ID, "outcome": "fault", "message": err.Error()}
}

func main() {
	state := &State{}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(make([]byte, 1<<16), 1<<20)
	out := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		if err := out.Encode(answer(state, lines.Bytes())); err != nil {
			os.Exit(1)
		}
	}
}
