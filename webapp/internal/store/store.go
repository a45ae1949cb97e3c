// Package store keeps products, users, carts and orders in PostgreSQL.
package store

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Errors that callers distinguish.
var (
	// ErrNotFound is returned for a product or a user that does not exist.
	ErrNotFound = errors.New("not found")
	// ErrTaken is returned for an e-mail address that another account uses.
	ErrTaken = errors.New("taken")
	// ErrReused is returned for an idempotency key that was used for another order.
	ErrReused = errors.New("idempotency key was used for another order")
	// errUnreadable replaces pgx's own error, which quotes the URL and with it the password.
	errUnreadable = errors.New("DATABASE_URL cannot be read as a PostgreSQL connection URL")
	// ErrSchema is returned while the schema is older than the application.
	ErrSchema = errors.New("the schema is too old")
	// ErrBusy is returned if no connection became free in time.
	ErrBusy = errors.New("database is busy")
)

// OutOfStock is returned for an order of more pieces than are in stock.
type OutOfStock struct {
	ProductID int64
	Left      int
}

func (e *OutOfStock) Error() string {
	return fmt.Sprintf("product %d: %d left", e.ProductID, e.Left)
}

// Store is a database with a limited pool of connections.
type Store struct {
	pool *pgxpool.Pool
	// acquireTimeout is how long a request waits for a connection.
	acquireTimeout time.Duration
}

// Limits of each connection.
const (
	connectTimeout   = 3 * time.Second
	statementTimeout = "4s"
	maxConnLifetime  = 15 * time.Minute
)

// Open returns a store. The store connects when it is first used, so the application starts without its database. The
// store calls url for every new connection, so it uses a rotated password as soon as url returns it.
func Open(url func() (string, error), connections int) (*Store, error) {
	text, err := url()
	if err != nil {
		return nil, err
	}
	config, err := pgxpool.ParseConfig(text)
	if err != nil {
		return nil, errUnreadable
	}
	config.MaxConns = int32(connections)
	config.MaxConnLifetime = maxConnLifetime
	// The pool replaces a broken connection when the connection is next used. In between it checks idle connections.
	config.HealthCheckPeriod = 5 * time.Second
	config.ConnConfig.ConnectTimeout = connectTimeout
	config.ConnConfig.RuntimeParams["statement_timeout"] = statementTimeout
	config.ConnConfig.RuntimeParams["application_name"] = "webapp"
	config.BeforeConnect = func(_ context.Context, c *pgx.ConnConfig) error {
		text, err := url()
		if err != nil {
			return err
		}
		now, err := pgx.ParseConfig(text)
		if err != nil {
			return errUnreadable
		}
		c.Host, c.Port, c.Database = now.Host, now.Port, now.Database
		c.User, c.Password = now.User, now.Password
		c.TLSConfig, c.Fallbacks = now.TLSConfig, now.Fallbacks
		return nil
	}
	// After a failover the old primary may return as a standby. Every write on a connection to it would fail.
	config.ConnConfig.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		return nil, errors.New("opening the connection pool")
	}
	return &Store{pool: pool, acquireTimeout: 2 * time.Second}, nil
}

// Close closes all connections.
func (s *Store) Close() { s.pool.Close() }

// with runs f on a connection from the pool. It returns ErrBusy if no connection becomes free within acquireTimeout, so
// that the client can try again later.
func (s *Store) with(ctx context.Context, f func(*pgxpool.Conn) error) error {
	waiting, cancel := context.WithTimeout(ctx, s.acquireTimeout)
	defer cancel()
	conn, err := s.pool.Acquire(waiting)
	if err != nil {
		if waiting.Err() != nil && ctx.Err() == nil {
			return ErrBusy
		}
		return fmt.Errorf("connecting to the database: %w", err)
	}
	defer conn.Release()
	return f(conn)
}

// Ready checks that a connection is available and that the schema is not older than this binary needs. A newer schema
// is accepted: it belongs to the next version of the application, which is being rolled out.
func (s *Store) Ready(ctx context.Context) error {
	return s.with(ctx, func(c *pgxpool.Conn) error {
		var have int64
		err := c.QueryRow(ctx, `SELECT coalesce(max(version_id), 0) FROM goose_db_version WHERE is_applied`).Scan(&have)
		if err != nil {
			return fmt.Errorf("reading the schema version: %w", err)
		}
		if have < SchemaVersion {
			return fmt.Errorf("%w: version %d, needed is %d", ErrSchema, have, SchemaVersion)
		}
		return nil
	})
}

// Stats returns the statistics of the pool.
func (s *Store) Stats() *pgxpool.Stat { return s.pool.Stat() }

// inTx runs f in a transaction. After a serialization failure or a deadlock it retries, as PostgreSQL recommends.
func (s *Store) inTx(ctx context.Context, f func(pgx.Tx) error) error {
	return s.with(ctx, func(c *pgxpool.Conn) error {
		var err error
		for range 3 {
			err = pgx.BeginFunc(ctx, c, f)
			var failure *pgconn.PgError
			if !errors.As(err, &failure) || failure.Code != "40001" && failure.Code != "40P01" {
				return err
			}
		}
		return err
	})
}

// violates reports whether err is a violation of the named constraint.
func violates(err error, constraint string) bool {
	var failure *pgconn.PgError
	return errors.As(err, &failure) && failure.ConstraintName == constraint
}

// Reset closes each connection as soon as it is idle. New connections use the current password.
func (s *Store) Reset() { s.pool.Reset() }
