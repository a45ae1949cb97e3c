package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

// SchemaVersion is the newest migration in this binary.
var SchemaVersion = newest()

// newest returns the version of the newest migration.
func newest() (version int64) {
	entries, err := migrations.ReadDir("migrations")
	for _, entry := range entries {
		n, bad := goose.NumericComponent(entry.Name())
		err = errors.Join(err, bad)
		version = max(version, n)
	}
	if err != nil {
		// This cannot happen: the files are compiled in.
		panic(err)
	}
	return version
}

// migrationLock is the key of the advisory lock of migrations. All versions of the application must use the same
// number.
const migrationLock = 7041776

// Migrate brings the schema up to date and returns how many migrations it applied. A second Migrate waits until the
// first one ends. PostgreSQL releases the lock when the session ends, so a migration that is killed leaves no lock
// behind.
func Migrate(ctx context.Context, url string) (int, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return 0, errUnreadable
	}
	db := stdlib.OpenDB(*config)
	defer db.Close()
	conn, err := db.Conn(ctx)
	if err != nil {
		return 0, fmt.Errorf("connecting to the database: %w", err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, `SELECT pg_advisory_lock($1)`, migrationLock); err != nil {
		return 0, fmt.Errorf("waiting for another migration: %w", err)
	}
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return 0, fmt.Errorf("reading the migrations: %w", err)
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, files)
	if err != nil {
		return 0, fmt.Errorf("reading the migrations: %w", err)
	}
	results, err := provider.Up(ctx)
	if err != nil {
		return len(results), fmt.Errorf("migrating: %w", err)
	}
	return len(results), nil
}
