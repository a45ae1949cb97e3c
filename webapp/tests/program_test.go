package tests

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"groundwork/webapp/internal/auth"
	"groundwork/webapp/internal/config"
	"groundwork/webapp/internal/store"
)

// env returns a getenv for variables that are pairs of a name and a value.
func env(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

// TestConfig loads a valid configuration from files and variables.
func TestConfig(t *testing.T) {
	const goodURL = "postgres://app:hunter2@db:5432/app?sslmode=verify-full"
	file := filepath.Join(t.TempDir(), "DATABASE_URL")
	require.NoError(t, os.WriteFile(file, []byte(goodURL+"\n"), 0o600))
	c, err := config.Load(env(
		"DATABASE_URL_FILE", file,
		"JWT_SECRET", strings.Repeat("s", 32),
		"REDIS_HOST", "cache",
		"DRAIN_SECONDS", "3",
	))
	require.NoError(t, err)
	url, err := c.Database()
	require.NoError(t, err)
	assert.Equal(t, goodURL, url)
	assert.Equal(t, 3*time.Second, c.DrainTime)
	assert.True(t, c.Redis.TLS)
	assert.True(t, c.SecureCookies)
	require.NoError(t, os.WriteFile(file, []byte("postgres://app:rotated@db:5432/app"), 0o600))
	url, err = c.Database()
	require.NoError(t, err)
	assert.Contains(t, url, "rotated", "the file is read again")
}

// TestConfigErrors loads invalid configurations. The error lists all problems and no secret.
func TestConfigErrors(t *testing.T) {
	_, err := config.Load(env(
		"DATABASE_URL", "mysql://root:hunter2@x",
		"JWT_SECRET", "short",
		"PORT", "http",
		"DATABASE_CONNECTIONS", "0",
		"REDIS_TLS", "maybe",
		"METRICS_PORT", "70000",
	))
	require.ErrorContains(t, err, "configuration has 6 problem(s)")
	for _, want := range []string{
		"DATABASE_URL is not of the form",
		"JWT_SECRET has 5 characters; give 32",
		`PORT "http" is not a whole number from 1 to 65535`,
		`DATABASE_CONNECTIONS "0"`,
		`REDIS_TLS "maybe" is not true or false`,
		`METRICS_PORT "70000"`,
	} {
		assert.ErrorContains(t, err, want)
	}
	assert.NotContains(t, err.Error(), "hunter2", "no secret is in an error")
	none := filepath.Join(t.TempDir(), "none")
	_, err = config.Load(env("METRICS_PORT", "8080", "JWT_SECRET", "a", "JWT_SECRET_FILE", none))
	for _, want := range []string{
		"DATABASE_URL is missing",
		"METRICS_PORT is the same as PORT",
		"are both set",
		"cannot be read",
	} {
		assert.ErrorContains(t, err, want)
	}
	_, err = config.LoadDatabase(env("DATABASE_URL_FILE", none))
	require.ErrorContains(t, err, "DATABASE_URL_FILE")
	_, err = config.Load(env("DATABASE_URL", "postgres://%zz:hunter2@db"))
	assert.NotContains(t, err.Error(), "hunter2")
}

// TestPasswordsAndTokens hashes and compares passwords, and issues and verifies sessions.
func TestPasswordsAndTokens(t *testing.T) {
	hash := auth.Hash("correct horse")
	assert.True(t, strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$"))
	assert.NotEqual(t, hash, auth.Hash("correct horse"), "each has its own salt")
	assert.True(t, auth.Matches(hash, "correct horse"))
	for _, bad := range []string{
		"",
		"plain",
		"$argon2id$v=19$m=19456,t=0,p=1$AAAA$AAAA",
		"$argon2id$v=19$x$AAAA$AAAA",
		"$argon2id$v=19$m=19456,t=2,p=1$!$!",
		hash + "A",
	} {
		assert.False(t, auth.Matches(bad, "correct horse"), bad)
	}
	assert.False(t, auth.Matches(hash, "correct hors"))
	s := auth.NewSessions([]byte(strings.Repeat("k", 32)))
	token, err := s.Issue(7)
	require.NoError(t, err)
	id, err := s.User(token)
	require.NoError(t, err)
	assert.Equal(t, int64(7), id)
	_, err = auth.NewSessions([]byte(strings.Repeat("x", 32))).User(token)
	require.ErrorIs(t, err, auth.ErrSession)
}

// program is the built program with the environment that it runs in.
type program struct {
	binary    string
	variables []string
	port      int
}

// buildProgram builds the program for a database of its own.
func buildProgram(t *testing.T) program {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "webapp")
	build := exec.Command("go", "build", "-ldflags", "-s -w", "-o", binary, "..")
	if os.Getenv("PROGRAM_COVERAGE") != "" {
		// If coverage is measured, it includes the program, which writes its coverage when it ends.
		build.Args = slices.Insert(build.Args, 2, "-cover", "-covermode=atomic", "-coverpkg=groundwork/webapp/...")
	}
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	info, err := os.Stat(binary)
	require.NoError(t, err)
	assert.Less(t, info.Size(), int64(25<<20), "the image is little more than this file")
	port := freePort()
	variables := []string{
		"GOCOVERDIR=" + os.Getenv("PROGRAM_COVERAGE"),
		"DATABASE_URL=" + database(t),
		"JWT_SECRET=" + strings.Repeat("s", 40),
		fmt.Sprint("PORT=", port),
		fmt.Sprint("METRICS_PORT=", freePort()),
		"DRAIN_SECONDS=1",
	}
	return program{binary: binary, variables: variables, port: port}
}

// run runs the program with extra variables and returns what it printed.
func (p program) run(extra []string, args ...string) (string, error) {
	cmd := exec.Command(p.binary, args...)
	cmd.Env = append(slices.Clone(p.variables), extra...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// TestProgram runs the built program as Kubernetes does: migrate, seed, serve, SIGTERM.
func TestProgram(t *testing.T) {
	p := buildProgram(t)
	for _, c := range []struct {
		extra, args []string
		want        string
	}{
		{nil, []string{"migrate"}, fmt.Sprintf("1 migration(s) applied; the schema has version %d", store.SchemaVersion)},
		{nil, []string{"migrate"}, "0 migration(s) applied"},
		{nil, []string{"seed", "5"}, "5 product(s) added"},
		{[]string{"DATABASE_URL_FILE=/none"}, []string{"migrate", "--if-configured"}, "no database to migrate yet"},
	} {
		said, err := p.run(c.extra, c.args...)
		require.NoError(t, err, said)
		assert.Contains(t, said, c.want)
	}
	for args, want := range map[string]string{
		"":                          "usage: webapp",
		"dance":                     "unknown command",
		"seed many":                 "is not a number of products",
		"migrate now":               "does not know",
		"check":                     "needs one URL",
		"check http://127.0.0.1:1/": "refused",
	} {
		said, err := p.run(nil, strings.Fields(args)...)
		require.Error(t, err, args)
		assert.Contains(t, said, want, args)
	}
	said, err := p.run([]string{"JWT_SECRET="}, "serve")
	require.Error(t, err)
	assert.Contains(t, said, "error: configuration has 1 problem(s)")
	p.serve(t)
}

// serve starts the server, waits until it is ready, and ends it with SIGTERM.
func (p program) serve(t *testing.T) {
	t.Helper()
	var logs bytes.Buffer
	serving := exec.Command(p.binary, "serve")
	serving.Env, serving.Stdout, serving.Stderr = p.variables, &logs, &logs
	started := time.Now()
	require.NoError(t, serving.Start())
	ready := fmt.Sprintf("http://127.0.0.1:%d/ready", p.port)
	require.NoError(t, eventually(5*time.Second, func() error {
		response, err := http.Get(ready)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if response.StatusCode != 200 {
			return errors.New(response.Status)
		}
		return nil
	}))
	assert.Less(t, time.Since(started), time.Second, "from start to ready")
	said, err := p.run(nil, "check", ready)
	require.NoError(t, err)
	assert.Contains(t, said, `"ready":true`)
	require.NoError(t, serving.Process.Signal(syscall.SIGTERM))
	require.NoError(t, serving.Wait(), "it ends by itself, with success")
	for _, line := range strings.Split(strings.TrimSpace(logs.String()), "\n") {
		assert.True(t, json.Valid([]byte(line)), "a line of the log is JSON: %s", line)
	}
	assert.Contains(t, logs.String(), "draining")
}

// TestMigrationsWaitForEachOther migrates one database four times at the same time, as pods that start together do.
func TestMigrationsWaitForEachOther(t *testing.T) {
	url := database(t)
	failed := make(chan error, 4)
	for range 4 {
		go func() {
			_, err := store.Migrate(context.Background(), url)
			failed <- err
		}()
	}
	for range 4 {
		require.NoError(t, <-failed)
	}
	_, err := store.Migrate(context.Background(), "postgres://nobody:secret@127.0.0.1:1/x")
	require.ErrorContains(t, err, "connecting to the database")
	_, err = store.Migrate(context.Background(), "postgres://%zz:secret@x")
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "secret")
}

// TestRDSCertificates checks that the image's bundle contains the valid root certificates of RDS.
func TestRDSCertificates(t *testing.T) {
	rest, err := os.ReadFile("../certs/rds-global-bundle.pem")
	require.NoError(t, err)
	names := map[string]bool{}
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		require.NoError(t, err)
		assert.True(t, certificate.IsCA)
		if time.Now().Before(certificate.NotAfter) {
			names[certificate.Subject.CommonName] = true
		}
	}
	for _, region := range []string{"eu-west-1", "us-east-1"} {
		for _, kind := range []string{"RSA2048 G1", "RSA4096 G1", "ECC384 G1"} {
			assert.True(t, names["Amazon RDS "+region+" Root CA "+kind], "%s %s", region, kind)
		}
	}
}
