package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// PlaceOrder takes lines out of stock and records the order, in one transaction. It reports whether the order is new.
//
// The key makes retries harmless: a second call with the same key and the same lines returns the first order. A second
// call with other lines returns ErrReused. The hash identifies the lines.
func (s *Store) PlaceOrder(
	ctx context.Context, userID int64, key string, hash []byte, lines []Line,
) (Order, bool, error) {
	// All orders lock products in the same order, so two orders cannot deadlock.
	lines = slices.Clone(lines)
	slices.SortFunc(lines, func(a, b Line) int { return int(a.ProductID - b.ProductID) })
	const insert = `INSERT INTO orders (user_id, idempotency_key, request_hash, total_cents) VALUES ($1, $2, $3, 0)
			ON CONFLICT (user_id, idempotency_key) DO NOTHING RETURNING id, created_at`
	var order Order
	created := false
	err := s.inTx(ctx, func(tx pgx.Tx) error {
		created = false
		err := tx.QueryRow(ctx, insert, userID, key, hash).Scan(&order.ID, &order.CreatedAt)
		if errors.Is(err, pgx.ErrNoRows) {
			order, err = earlier(ctx, tx, userID, key, hash)
			return err
		}
		if err != nil {
			return err
		}
		created = true
		return fill(ctx, tx, userID, &order, lines)
	})
	if err != nil && !expected(err) {
		err = fmt.Errorf("placing an order: %w", err)
	}
	return order, created, err
}

// expected reports whether err is one of the errors that callers of PlaceOrder distinguish.
func expected(err error) bool {
	var short *OutOfStock
	return errors.Is(err, ErrNotFound) || errors.Is(err, ErrReused) || errors.Is(err, ErrBusy) || errors.As(err, &short)
}

// fill takes lines out of stock, adds them to a new order, and removes their products from the user's cart.
func fill(ctx context.Context, tx pgx.Tx, userID int64, order *Order, lines []Line) error {
	order.TotalCents, order.Lines = 0, nil
	var ids []int64
	for _, line := range lines {
		taken, err := take(ctx, tx, order.ID, line)
		if err != nil {
			return err
		}
		ids = append(ids, line.ProductID)
		order.TotalCents += int64(taken.PriceCents) * int64(line.Quantity)
		order.Lines = append(order.Lines, taken)
	}
	const total = `UPDATE orders SET total_cents = $2 WHERE id = $1`
	if _, err := tx.Exec(ctx, total, order.ID, order.TotalCents); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `DELETE FROM cart_items WHERE user_id = $1 AND product_id = ANY($2)`, userID, ids)
	return err
}

// take takes one line out of stock and adds it to an order.
func take(ctx context.Context, tx pgx.Tx, orderID int64, line Line) (OrderLine, error) {
	const update = `UPDATE products SET stock = stock - $2 WHERE id = $1 AND stock >= $2 RETURNING name, price_cents`
	taken := OrderLine{ProductID: line.ProductID, Quantity: line.Quantity}
	err := tx.QueryRow(ctx, update, line.ProductID, line.Quantity).Scan(&taken.Name, &taken.PriceCents)
	if errors.Is(err, pgx.ErrNoRows) {
		return taken, missing(ctx, tx, line.ProductID)
	}
	if err != nil {
		return taken, err
	}
	const insert = `INSERT INTO order_items (order_id, product_id, quantity, price_cents) VALUES ($1, $2, $3, $4)`
	_, err = tx.Exec(ctx, insert, orderID, line.ProductID, line.Quantity, taken.PriceCents)
	return taken, err
}

// earlier returns the order that was placed with the same key before.
func earlier(ctx context.Context, tx pgx.Tx, userID int64, key string, hash []byte) (Order, error) {
	const query = `SELECT id, total_cents, created_at, request_hash FROM orders ` +
		`WHERE user_id = $1 AND idempotency_key = $2`
	var order Order
	var before []byte
	err := tx.QueryRow(ctx, query, userID, key).Scan(&order.ID, &order.TotalCents, &order.CreatedAt, &before)
	if err != nil {
		return order, err
	}
	if !bytes.Equal(before, hash) {
		return order, ErrReused
	}
	order.Lines, err = orderLines(ctx, tx, order.ID)
	return order, err
}

// missing returns the reason why a product could not be taken out of stock.
func missing(ctx context.Context, tx pgx.Tx, productID int64) error {
	short := &OutOfStock{ProductID: productID}
	err := tx.QueryRow(ctx, `SELECT stock FROM products WHERE id = $1`, productID).Scan(&short.Left)
	if errors.Is(err, pgx.ErrNoRows) {
		return ErrNotFound
	}
	if err != nil {
		return err
	}
	return short
}

// querier is a connection or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// orderLines returns the lines of an order.
func orderLines(ctx context.Context, q querier, orderID int64) ([]OrderLine, error) {
	const query = `SELECT i.product_id, p.name, i.quantity, i.price_cents FROM order_items i ` +
		`JOIN products p ON p.id = i.product_id
		WHERE i.order_id = $1 ORDER BY i.product_id`
	rows, err := q.Query(ctx, query, orderID)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[OrderLine])
}

// Orders returns the last 50 orders of a user, the newest first.
func (s *Store) Orders(ctx context.Context, userID int64) ([]Order, error) {
	const query = `SELECT id, total_cents, created_at FROM orders WHERE user_id = $1 ORDER BY id DESC LIMIT 50`
	var orders []Order
	err := s.with(ctx, func(c *pgxpool.Conn) error {
		rows, err := c.Query(ctx, query, userID)
		if err != nil {
			return err
		}
		orders, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (Order, error) {
			var o Order
			err := row.Scan(&o.ID, &o.TotalCents, &o.CreatedAt)
			return o, err
		})
		if err != nil {
			return err
		}
		for i := range orders {
			if orders[i].Lines, err = orderLines(ctx, c, orders[i].ID); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("listing orders: %w", err)
	}
	return orders, nil
}
