package tests

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"groundwork/webapp/internal/store"
)

// standby makes a synchronous standby of a primary: what the primary acknowledges is on both.
func standby(t *testing.T, primary *pgServer, dir string) *pgServer {
	t.Helper()
	require.NoError(t, os.MkdirAll(dir, 0o700))
	if os.Getuid() == 0 {
		out, err := exec.Command("chown", "postgres:postgres", dir).CombinedOutput()
		require.NoError(t, err, string(out))
	}
	backup := asPostgres("pg_basebackup", "-D", dir, "-R", "-X", "stream", "-C", "-S", "standby", "--no-sync", "--checkpoint=fast",
		"-d", fmt.Sprintf("host=127.0.0.1 port=%d user=app password=app-password application_name=standby", primary.port))
	out, err := backup.CombinedOutput()
	require.NoError(t, err, string(out))
	second := &pgServer{dir: dir, port: freePort()}
	require.NoError(t, second.start())
	ctx := context.Background()
	control, err := pgx.Connect(ctx, primary.url("postgres"))
	require.NoError(t, err)
	defer control.Close(ctx)
	for _, statement := range []string{"ALTER SYSTEM SET synchronous_standby_names = 'standby'", "SELECT pg_reload_conf()"} {
		_, err := control.Exec(ctx, statement)
		require.NoError(t, err)
	}
	require.NoError(t, eventually(10*time.Second, func() error {
		var state string
		if err := control.QueryRow(ctx, "SELECT sync_state FROM pg_stat_replication").Scan(&state); err != nil {
			return err
		}
		if state != "sync" {
			return fmt.Errorf("the standby is %s", state)
		}
		return nil
	}))
	return second
}

// TestFailover: the primary is killed while orders are placed, the standby is promoted, and the database's name moves to
// it. Nothing that was acknowledged is lost, nothing is sold twice, and the application is ready again by itself.
func TestFailover(t *testing.T) {
	dir, err := os.MkdirTemp("", "webapp-tests-")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	primary, err := startPostgres(filepath.Join(dir, "first"))
	require.NoError(t, err)
	t.Cleanup(primary.stop)
	ctx := context.Background()
	_, err = store.Migrate(ctx, primary.url("postgres"))
	require.NoError(t, err)
	second := standby(t, primary, filepath.Join(dir, "second"))
	t.Cleanup(second.stop)

	// The DNS name of a Multi-AZ instance: it says who is the primary now.
	var name atomic.Value
	name.Store(primary.url("postgres"))
	s := openOn(t, func() (string, error) { return name.Load().(string), nil }, nil)
	const buyers, product = 6, 40
	before, err := s.store.Product(ctx, product)
	require.NoError(t, err)

	var acknowledged sync.Map
	var placed, failures atomic.Int64
	stop := make(chan struct{})
	var wait sync.WaitGroup
	for b := range buyers {
		who := s.person()
		wait.Go(func() {
			for n := 0; ; n++ {
				key := fmt.Sprintf("failover-%d-%06d", b, n)
				for {
					select {
					case <-stop:
						return
					default:
					}
					a := s.call("POST", "/api/orders", fmt.Sprintf(`{"lines":[{"productId":%d,"quantity":1}]}`, 1+(b*7+n)%60), "Authorization", who, "Idempotency-Key", key)
					if a.status == 200 || a.status == 201 {
						acknowledged.Store(key, true)
						placed.Add(1)
						break
					}
					if a.status == 409 {
						break // Sold out.
					}
					// A client that got no answer tries again with the same key.
					failures.Add(1)
					time.Sleep(50 * time.Millisecond)
				}
			}
		})
	}
	require.NoError(t, eventually(20*time.Second, func() error {
		if n := placed.Load(); n < 100 {
			return fmt.Errorf("%d orders", n)
		}
		return nil
	}))
	// Not Wait: what the dead postmaster leaves behind ends by itself.
	require.NoError(t, primary.cmd.Process.Kill())
	time.Sleep(500 * time.Millisecond)
	out, err := asPostgres("pg_ctl", "promote", "-D", second.dir, "-w").CombinedOutput()
	require.NoError(t, err, string(out))
	name.Store(second.url("postgres"))
	moved := time.Now()
	atPromotion := placed.Load()
	require.NoError(t, eventually(10*time.Second, func() error {
		if status := s.call("GET", "/ready", "").status; status != 200 {
			return fmt.Errorf("%d", status)
		}
		return nil
	}))
	t.Logf("ready %.1f s after the name moved; %d requests failed meanwhile", time.Since(moved).Seconds(), failures.Load())
	require.NoError(t, eventually(15*time.Second, func() error {
		if placed.Load() <= atPromotion {
			return fmt.Errorf("no order after the failover")
		}
		return nil
	}))
	close(stop)
	wait.Wait()

	control, err := pgx.Connect(ctx, second.url("postgres"))
	require.NoError(t, err)
	defer control.Close(ctx)
	rows, err := control.Query(ctx, "SELECT idempotency_key FROM orders")
	require.NoError(t, err)
	keys, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	there := map[string]bool{}
	for _, key := range keys {
		assert.False(t, there[key], "%s is there twice", key)
		there[key] = true
	}
	seen := 0
	acknowledged.Range(func(key, _ any) bool {
		seen++
		assert.True(t, there[key.(string)], "%s was acknowledged and is lost", key)
		return true
	})
	assert.GreaterOrEqual(t, seen, 100)
	var left, sold int
	require.NoError(t, control.QueryRow(ctx, "SELECT stock FROM products WHERE id = $1", product).Scan(&left))
	require.NoError(t, control.QueryRow(ctx, "SELECT coalesce(sum(quantity), 0) FROM order_items WHERE product_id = $1", product).Scan(&sold))
	assert.Equal(t, before.Stock, left+sold, "what is missing from the stock is in an order")
}
