package awssim

import (
	"bytes"
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

// AccountAPI answers the S3 and KMS requests that Pulumi itself makes: it keeps states in a bucket of the account, and
// encrypts their secrets with a key of the account. A bucket or key exists when the cloud has it. A file keeps the
// objects of the buckets.
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

// ServeAccount starts the API on a free port of the loopback interface. It keeps the objects of the buckets in file.
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
	// The URL has an address, because the SDK would put the bucket in front of a host name.
	a.url = "http://" + listener.Addr().String()
	a.server = &http.Server{Handler: a}
	go func() { _ = a.server.Serve(listener) }()
	return a, nil
}

// Environment returns the environment variables that point the AWS SDK at the API.
func (a *AccountAPI) Environment() map[string]string {
	return map[string]string{"AWS_ENDPOINT_URL_S3": a.url, "AWS_ENDPOINT_URL_KMS": a.url}
}

// Stop stops the API.
func (a *AccountAPI) Stop() { _ = a.server.Close() }

// ServeHTTP answers one request of either service.
func (a *AccountAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if target, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), "TrentService."); ok {
		a.kms(w, r, target)
		return
	}
	bucket, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	a.cloud.mu.Lock()
	exists := a.cloud.find(Ref{Type: awstype.Bucket, By: "bucket", AnyRegion: true}, bucket) != nil
	a.cloud.mu.Unlock()
	if !exists {
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprintf(w, `<Error><Code>NoSuchBucket</Code><Message>The specified bucket does not exist</Message>`+
			`<BucketName>%s</BucketName></Error>`, bucket)
		return
	}
	if ok, err := a.store.BucketExists(bucket); err == nil && !ok {
		_ = a.store.CreateBucket(bucket)
	}
	a.files.ServeHTTP(w, r)
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		// The answer is already sent, so the error cannot be reported. The next run does not find the state and starts
		// again from the folder.
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

// load reads the objects that an earlier run saved.
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
			_, err := a.store.PutObject(bucket, key, nil, bytes.NewReader(content), int64(len(content)), nil)
			if err != nil {
				return fmt.Errorf("reading what is in the buckets: %w", err)
			}
		}
	}
	return nil
}
