package awssim

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"

	"groundwork/internal/awstype"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

// AccountAPI answers as S3 and KMS for what Pulumi itself asks of an account: to keep states in a bucket of it, and to encrypt them with a key of it. A bucket
// is there when the cloud has it. What is in the buckets is kept in a file.
type AccountAPI struct {
	cloud  *Cloud
	server *http.Server
	url    string
	files  http.Handler
	store  *s3mem.Backend
	file   string
	// writing keeps two changes from saving at once.
	writing sync.Mutex
}

// ServeAccount starts the answers on a port of this machine.
func ServeAccount(cloud *Cloud, file string) (*AccountAPI, error) {
	a := &AccountAPI{cloud: cloud, store: s3mem.New(), file: file}
	a.files = gofakes3.New(a.store, gofakes3.WithLogger(gofakes3.DiscardLog())).Server()
	if err := a.load(); err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("answering for S3 and KMS: %w", err)
	}
	// An address and not a name: the SDK would put the bucket before a name.
	a.url = "http://" + listener.Addr().String()
	a.server = &http.Server{Handler: a}
	go func() { _ = a.server.Serve(listener) }()
	return a, nil
}

// Environment points the AWS SDK at the answers.
func (a *AccountAPI) Environment() map[string]string {
	return map[string]string{"AWS_ENDPOINT_URL_S3": a.url, "AWS_ENDPOINT_URL_KMS": a.url}
}

// Stop ends the answers.
func (a *AccountAPI) Stop() { _ = a.server.Close() }

func (a *AccountAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if target, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), "TrentService."); ok {
		a.kms(w, r, target)
		return
	}
	bucket, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	a.cloud.mu.Lock()
	there := a.cloud.find(Ref{Type: awstype.Bucket, By: "bucket", AnyRegion: true}, bucket) != nil
	a.cloud.mu.Unlock()
	if !there {
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprintf(w, `<Error><Code>NoSuchBucket</Code><Message>The specified bucket does not exist</Message><BucketName>%s</BucketName></Error>`, bucket)
		return
	}
	if ok, err := a.store.BucketExists(bucket); err == nil && !ok {
		_ = a.store.CreateBucket(bucket)
	}
	a.files.ServeHTTP(w, r)
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		// The answer is on its way already; a state that cannot be kept is missed by the next run, which begins from the folder.
		_ = a.save(bucket)
	}
}

// save writes the objects of a bucket to the file.
func (a *AccountAPI) save(bucket string) error {
	a.writing.Lock()
	defer a.writing.Unlock()
	list, err := a.store.ListBucket(bucket, nil, gofakes3.ListBucketPage{})
	if err != nil {
		return err
	}
	objects := map[string][]byte{}
	for _, entry := range list.Contents {
		object, err := a.store.GetObject(bucket, entry.Key, nil)
		if err != nil {
			return err
		}
		if objects[entry.Key], err = io.ReadAll(object.Contents); err != nil {
			return err
		}
	}
	text, err := json.Marshal(map[string]map[string][]byte{bucket: objects})
	if err != nil {
		return err
	}
	if err := os.WriteFile(a.file+".new", text, 0o600); err != nil {
		return err
	}
	return os.Rename(a.file+".new", a.file)
}

// load reads what an earlier run left in the bucket.
func (a *AccountAPI) load() error {
	text, err := os.ReadFile(a.file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var buckets map[string]map[string][]byte
	if err == nil {
		err = json.Unmarshal(text, &buckets)
	}
	if err != nil {
		return fmt.Errorf("reading what is in the buckets: %w", err)
	}
	for bucket, objects := range buckets {
		if err := a.store.CreateBucket(bucket); err != nil {
			return fmt.Errorf("reading what is in the buckets: %w", err)
		}
		for key, content := range objects {
			if _, err := a.store.PutObject(bucket, key, nil, bytes.NewReader(content), int64(len(content)), nil); err != nil {
				return fmt.Errorf("reading what is in the buckets: %w", err)
			}
		}
	}
	return nil
}

// kms encrypts and decrypts, with a key of the cloud that its alias names. The key's ID stands for what only KMS knows of it.
func (a *AccountAPI) kms(w http.ResponseWriter, r *http.Request, operation string) {
	var in struct {
		KeyID                     string `json:"KeyId"`
		Plaintext, CiphertextBlob []byte
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	refuse := func(code, message string) {
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]string{"__type": code, "message": message})
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		refuse("SerializationException", err.Error())
		return
	}
	answer := map[string]any{}
	switch operation {
	case "Encrypt":
		key := a.key(in.KeyID)
		if key == "" {
			refuse("NotFoundException", in.KeyID+" is not found.")
			return
		}
		box := sealer(key)
		nonce := make([]byte, box.NonceSize())
		_, _ = rand.Read(nonce)
		answer["KeyId"], answer["CiphertextBlob"] = key, append([]byte(key+"|"+string(nonce)), box.Seal(nil, nonce, in.Plaintext, nil)...)
	case "Decrypt":
		// As with KMS the text itself says which key it needs.
		key, sealed, ok := strings.Cut(string(in.CiphertextBlob), "|")
		if !ok || a.key(key) == "" {
			refuse("NotFoundException", "the key is not found.")
			return
		}
		box := sealer(key)
		plain, err := openBox(box, []byte(sealed))
		if err != nil {
			refuse("InvalidCiphertextException", "")
			return
		}
		answer["KeyId"], answer["Plaintext"] = key, plain
	default:
		refuse("UnsupportedOperationException", "the sandbox answers Encrypt and Decrypt only, not "+operation)
		return
	}
	_ = json.NewEncoder(w).Encode(answer)
}

// key is the ID of the key that an alias or an ID names, or "".
func (a *AccountAPI) key(name string) string {
	a.cloud.mu.Lock()
	defer a.cloud.mu.Unlock()
	if alias := a.cloud.find(Ref{Type: awstype.KeyAlias, By: "name", AnyRegion: true}, name); alias != nil {
		name = alias.State.Str("targetKeyId")
	}
	if key := a.cloud.find(Ref{Type: awstype.Key, By: "keyId", AnyRegion: true}, name); key != nil {
		return key.ID
	}
	return ""
}

func sealer(key string) cipher.AEAD {
	sum := sha256.Sum256([]byte(key))
	block, err := aes.NewCipher(sum[:])
	if err != nil {
		panic(err) // A key of 32 bytes is always one.
	}
	box, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // AES always fits.
	}
	return box
}

func openBox(box cipher.AEAD, sealed []byte) ([]byte, error) {
	if len(sealed) < box.NonceSize() {
		return nil, errors.New("too short")
	}
	return box.Open(nil, sealed[:box.NonceSize()], sealed[box.NonceSize():], nil)
}
