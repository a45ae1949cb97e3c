// Command webapp is a small storefront: it serves pages and an API, migrates its database, and fills an empty shop.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"groundwork/webapp/internal/auth"
	"groundwork/webapp/internal/cache"
	"groundwork/webapp/internal/config"
	"groundwork/webapp/internal/server"
	"groundwork/webapp/internal/store"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Getenv, os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "error: %v\n", err)
		os.Exit(1)
	}
}

const usage = `usage: webapp serve | migrate [--if-configured] | seed [COUNT] | check URL

  serve     serve pages and API on PORT (8080), metrics on METRICS_PORT (9090)
  migrate   bring the schema of DATABASE_URL up to date; with --if-configured, do nothing where ` +
	`DATABASE_URL_FILE does not exist yet
  check     succeed if URL answers 200
  seed      add products where there are none (60)`

// run executes the command that args name and writes logs and results to stdout.
func run(ctx context.Context, args []string, getenv func(string) string, stdout io.Writer) error {
	if len(args) == 0 {
		return errors.New(usage)
	}
	switch args[0] {
	case "serve":
		return serve(ctx, getenv, stdout)
	case "migrate":
		return migrate(ctx, args[1:], getenv, stdout)
	case "check":
		return check(ctx, args[1:], stdout)
	case "seed":
		return seed(ctx, args[1:], getenv, stdout)
	}
	return fmt.Errorf("unknown command %q\n%s", args[0], usage)
}

// check requests a URL and fails unless the status is 200.
func check(ctx context.Context, args []string, stdout io.Writer) error {
	if len(args) != 1 {
		return errors.New("check needs one URL")
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, args[0], nil)
	if err != nil {
		return fmt.Errorf("checking: %w", err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("checking: %w", err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 4096))
	if err != nil || response.StatusCode != http.StatusOK {
		return fmt.Errorf("checking: %s: %s", response.Status, body)
	}
	fmt.Fprintf(stdout, "%s", body)
	return nil
}

// migrate applies the migrations that the database does not have yet.
func migrate(ctx context.Context, args []string, getenv func(string) string, stdout io.Writer) error {
	switch {
	case len(args) == 1 && args[0] == "--if-configured":
		if path := getenv("DATABASE_URL_FILE"); path != "" {
			if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
				fmt.Fprintln(stdout, "there is no database to migrate yet")
				return nil
			}
		}
	case len(args) > 0:
		return fmt.Errorf("migrate does not know %q", args[0])
	}
	database, err := config.LoadDatabase(getenv)
	if err != nil {
		return err
	}
	url, err := database()
	if err != nil {
		return err
	}
	applied, err := store.Migrate(ctx, url)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%d migration(s) applied; the schema has version %d\n", applied, store.SchemaVersion)
	return nil
}

// seed adds products to a shop that does not have them.
func seed(ctx context.Context, args []string, getenv func(string) string, stdout io.Writer) error {
	count := 60
	if len(args) > 0 {
		n, err := strconv.Atoi(args[0])
		if err != nil || n < 1 || n > 100_000 {
			return fmt.Errorf("%q is not a number of products from 1 to 100000", args[0])
		}
		count = n
	}
	database, err := config.LoadDatabase(getenv)
	if err != nil {
		return err
	}
	s, err := store.Open(database, 1)
	if err != nil {
		return err
	}
	defer s.Close()
	added, err := s.Seed(ctx, count)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%d product(s) added\n", added)
	return nil
}

// serve answers requests until ctx ends.
func serve(ctx context.Context, getenv func(string) string, stdout io.Writer) error {
	c, err := config.Load(getenv)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewJSONHandler(stdout, nil))
	s, err := store.Open(c.Database, c.DatabaseConnections)
	if err != nil {
		return err
	}
	defer s.Close()
	products := cache.New(cache.Options{
		Host:     c.Redis.Host,
		Port:     c.Redis.Port,
		Password: c.Redis.Password,
		TLS:      c.Redis.TLS,
	})
	defer products.Close()
	app, err := net.Listen("tcp", fmt.Sprintf(":%d", c.Port))
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	metrics, err := net.Listen("tcp", fmt.Sprintf(":%d", c.MetricsPort))
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	log.Info("serving",
		"port", c.Port,
		"metricsPort", c.MetricsPort,
		"databaseConnections", c.DatabaseConnections,
		"redis", c.Redis.Host != "",
		"drain", c.DrainTime.Round(time.Second).String(),
	)
	return (&server.Server{
		Store:         s,
		Cache:         products,
		Sessions:      auth.NewSessions(c.SigningKey),
		Log:           log,
		SecureCookies: c.SecureCookies,
		// Twice the connections: while one request waits for the network, another one uses the database.
		MaxInFlight: 2 * c.DatabaseConnections,
	}).Serve(ctx, app, metrics, c.DrainTime)
}
