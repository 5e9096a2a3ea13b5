// tilecheck reads a log as anybody may read it (C2SP signed-note, tlog-checkpoint, tlog-tiles), from
// a folder or an HTTP prefix, and checks all of it: the checkpoint's signature, every entry against
// the root, every hash tile against the entries. It is written from the C2SP texts on Go's
// transparency-log packages and shares nothing with the programs that it checks.
//
//	tilecheck [--witness VKEY...] VKEY FOLDER|http://HOST/PREFIX [OLDER-CHECKPOINT...]
//
// An older checkpoint (a file) must be signed by the same key and be a beginning of the same tree. A
// witness (C2SP tlog-cosignature, "cosignature/v1") must have cosigned the newest one. Exit 0 and
// "ok SIZE ROOT", with a line for each witness, or exit 1 and what is wrong.
package main

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8 // of a tile: 256 hashes

type source func(name string) ([]byte, error)

func folder(root string) source {
	return func(name string) ([]byte, error) {
		return os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
	}
}

func prefix(address string) source {
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error {
		return fmt.Errorf("redirected")
	}}
	return func(name string) ([]byte, error) {
		answer, err := client.Get(address + "/" + name)
		if err != nil {
			return nil, err
		}
		defer answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			return nil, fmt.Errorf("%s: %s", name, answer.Status)
		}
		wanted := "application/octet-stream"
		if name == "checkpoint" {
			wanted = "text/plain; charset=utf-8"
		}
		if got := answer.Header.Get("Content-Type"); got != wanted {
			return nil, fmt.Errorf("%s: content type %q", name, got)
		}
		return io.ReadAll(answer.Body)
	}
}

// name gives <L>/<N>[.p/<W>] in C2SP's form.
func name(level string, number int64, width int) string {
	text := fmt.Sprintf("%03d", number%1000)
	for number >= 1000 {
		number /= 1000
		text = fmt.Sprintf("x%03d/%s", number%1000, text)
	}
	if width < 1<<height {
		text += fmt.Sprintf(".p/%d", width)
	}
	return "tile/" + level + "/" + text
}

// witness verifies a key of type 4: Ed25519 over a time and the checkpoint.
type witness struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

func (w *witness) Name() string    { return w.name }
func (w *witness) KeyHash() uint32 { return w.hash }

func (w *witness) Verify(text, signature []byte) bool {
	if len(signature) != 8+ed25519.SignatureSize {
		return false
	}
	time := binary.BigEndian.Uint64(signature)
	message := fmt.Sprintf("cosignature/v1\ntime %d\n%s", time, text)
	return ed25519.Verify(w.key, []byte(message), signature[8:])
}

// newWitness takes a vkey apart: name, key hash, base64 of 0x04 and the public key.
func newWitness(vkey string) (*witness, error) {
	parts := strings.SplitN(vkey, "+", 3)
	if len(parts) != 3 {
		return nil, fmt.Errorf("%s: not a vkey", vkey)
	}
	key, err := base64.StdEncoding.Strict().DecodeString(parts[2])
	if err != nil || len(key) != 1+ed25519.PublicKeySize || key[0] != 4 {
		return nil, fmt.Errorf("%s: not a witness's key", vkey)
	}
	sum := sha256.Sum256(append([]byte(parts[0]+"\n"), key...))
	hash := binary.BigEndian.Uint32(sum[:])
	if fmt.Sprintf("%08x", hash) != parts[1] {
		return nil, fmt.Errorf("%s: its id is not that of its key", vkey)
	}
	return &witness{parts[0], hash, key[1:]}, nil
}

// cosigned demands a good cosignature of every witness, and gives their times.
func cosigned(data []byte, witnesses []*witness) ([]string, error) {
	var lines []string
	for _, w := range witnesses {
		opened, err := note.Open(data, note.VerifierList(w))
		if err != nil {
			return nil, fmt.Errorf("witness %s: %v", w.name, err)
		}
		raw, err := base64.StdEncoding.DecodeString(opened.Sigs[0].Base64)
		if err != nil {
			return nil, err
		}
		at := time.Unix(int64(binary.BigEndian.Uint64(raw[4:])), 0).UTC()
		lines = append(lines, fmt.Sprintf("cosigned by %s at %s", w.name, at.Format(time.RFC3339)))
	}
	return lines, nil
}

// checkpoint opens a signed checkpoint: origin, size, root, and nothing else.
func checkpoint(data []byte, verifier note.Verifier) (tlog.Tree, error) {
	var tree tlog.Tree
	opened, err := note.Open(data, note.VerifierList(verifier))
	if err != nil {
		return tree, fmt.Errorf("checkpoint: %v", err)
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[3] != "" {
		return tree, fmt.Errorf("checkpoint: %d lines", len(lines))
	}
	if lines[0] != verifier.Name() {
		return tree, fmt.Errorf("checkpoint: origin %q", lines[0])
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 1 || strconv.FormatInt(size, 10) != lines[1] {
		return tree, fmt.Errorf("checkpoint: size %q", lines[1])
	}
	root, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return tree, fmt.Errorf("checkpoint: root %q", lines[2])
	}
	tree.N = size
	copy(tree.Hash[:], root)
	return tree, nil
}

// entries takes a bundle apart; it must hold exactly width entries.
func entries(data []byte, width int) ([][]byte, error) {
	var list [][]byte
	for len(data) > 0 {
		if len(data) < 2 || len(data)-2 < int(binary.BigEndian.Uint16(data)) {
			return nil, fmt.Errorf("cut off")
		}
		end := 2 + int(binary.BigEndian.Uint16(data))
		list = append(list, data[2:end])
		data = data[end:]
	}
	if len(list) != width {
		return nil, fmt.Errorf("%d entries, not %d", len(list), width)
	}
	return list, nil
}

// hashes reads all bundles and gives the tree's stored hashes, in tlog's order.
func hashes(read source, size int64) ([]tlog.Hash, error) {
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		list := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			list[i] = stored[index]
		}
		return list, nil
	})
	for at := int64(0); at < size; at += 1 << height {
		width := 1 << height
		if size-at < int64(width) {
			width = int(size - at)
		}
		bundle := name("entries", at>>height, width)
		data, err := read(bundle)
		if err != nil {
			return nil, err
		}
		list, err := entries(data, width)
		if err != nil {
			return nil, fmt.Errorf("%s: %v", bundle, err)
		}
		for i, entry := range list {
			if len(entry) != 38 || entry[0] != 1 {
				return nil, fmt.Errorf("%s: entry %d is no leaf of format 1", bundle, at+int64(i))
			}
			more, err := tlog.StoredHashes(at+int64(i), entry, reader)
			if err != nil {
				return nil, err
			}
			stored = append(stored, more...)
		}
	}
	return stored, nil
}

func check(vkey string, data []byte, read source, older []string) (tlog.Tree, error) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return tlog.Tree{}, err
	}
	tree, err := checkpoint(data, verifier)
	if err != nil {
		return tree, err
	}
	stored, err := hashes(read, tree.N)
	if err != nil {
		return tree, err
	}
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		list := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			list[i] = stored[index]
		}
		return list, nil
	})
	root, err := tlog.TreeHash(tree.N, reader)
	if err != nil {
		return tree, err
	}
	if root != tree.Hash {
		return tree, fmt.Errorf("the entries are not the tree that was signed")
	}
	for _, tile := range tlog.NewTiles(height, 0, tree.N) {
		// It lists partial tiles of every smaller width too; the checkpoint's own is the last.
		if last := tree.N >> (height * tile.L); tile.W < 1<<height && int64(tile.W) != last&(1<<height-1) {
			continue
		}
		path := name(strconv.Itoa(tile.L), tile.N, tile.W)
		wanted, err := tlog.ReadTileData(tile, reader)
		if err != nil {
			return tree, err
		}
		got, err := read(path)
		if err != nil {
			return tree, err
		}
		if string(got) != string(wanted) {
			return tree, fmt.Errorf("%s: not the hashes of the entries", path)
		}
	}
	for _, file := range older {
		data, err := os.ReadFile(file)
		if err != nil {
			return tree, err
		}
		before, err := checkpoint(data, verifier)
		if err != nil {
			return tree, fmt.Errorf("%s: %v", file, err)
		}
		if before.N > tree.N {
			return tree, fmt.Errorf("%s: the log had %d entries, it has %d", file, before.N, tree.N)
		}
		root, err := tlog.TreeHash(before.N, reader)
		if err != nil {
			return tree, err
		}
		if root != before.Hash {
			return tree, fmt.Errorf("%s: the log does not continue it", file)
		}
	}
	return tree, nil
}

func main() {
	var witnesses []*witness
	arguments := os.Args[1:]
	for len(arguments) > 1 && arguments[0] == "--witness" {
		w, err := newWitness(arguments[1])
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		witnesses = append(witnesses, w)
		arguments = arguments[2:]
	}
	if len(arguments) < 2 {
		fmt.Fprintln(os.Stderr, "usage: tilecheck [--witness VKEY...] VKEY FOLDER|http://HOST/PREFIX [OLDER-CHECKPOINT...]")
		os.Exit(2)
	}
	read := folder(arguments[1])
	if strings.HasPrefix(arguments[1], "http://") || strings.HasPrefix(arguments[1], "https://") {
		read = prefix(strings.TrimSuffix(arguments[1], "/"))
	}
	var tree tlog.Tree
	var lines []string
	data, err := read("checkpoint")
	if err == nil {
		lines, err = cosigned(data, witnesses)
	}
	if err == nil {
		tree, err = check(arguments[0], data, read, arguments[2:])
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("ok", tree.N, tree.Hash)
	for _, line := range lines {
		fmt.Println(line)
	}
}
