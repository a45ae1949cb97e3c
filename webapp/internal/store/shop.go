package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Product is something for sale.
type Product struct {
	ID          int64  `json:"id"`
	SKU         string `json:"sku"`
	Name        string `json:"name"`
	Description string `json:"description"`
	// PriceCents is in euro cents.
	PriceCents int `json:"priceCents"`
	Stock      int `json:"stock"`
}

// User is a person with an account.
type User struct {
	ID           int64
	Email        string
	PasswordHash string
}

// Line is a product and how many of it.
type Line struct {
	ProductID int64 `json:"productId"`
	Quantity  int   `json:"quantity"`
}

// CartLine is a line of a cart, with what it says about the product now.
type CartLine struct {
	Product
	Quantity int `json:"quantity"`
}

// Order is what somebody bought.
type Order struct {
	ID         int64       `json:"id"`
	TotalCents int64       `json:"totalCents"`
	CreatedAt  time.Time   `json:"createdAt"`
	Lines      []OrderLine `json:"lines"`
}

// OrderLine is a line of an order, at the price of its time.
type OrderLine struct {
	ProductID  int64  `json:"productId"`
	Name       string `json:"name"`
	Quantity   int    `json:"quantity"`
	PriceCents int    `json:"priceCents"`
}

const productColumns = `id, sku, name, description, price_cents, stock`

// Products lists products whose words match search (all of them where it is empty), by ID, after a given one.
func (s *Store) Products(ctx context.Context, search string, after int64, limit int) ([]Product, error) {
	query := `SELECT ` + productColumns + ` FROM products WHERE id > $1 ORDER BY id LIMIT $2`
	args := []any{after, limit}
	if search != "" {
		query = `SELECT ` + productColumns + ` FROM products WHERE id > $1 AND words @@ websearch_to_tsquery('simple', $3) ORDER BY id LIMIT $2`
		args = append(args, search)
	}
	var products []Product
	err := s.with(ctx, func(c *pgxpool.Conn) error {
		rows, err := c.Query(ctx, query, args...)
		if err != nil {
			return err
		}
		products, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Product])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listing products: %w", err)
	}
	return products, nil
}

// Product returns one product, or ErrNotFound.
func (s *Store) Product(ctx context.Context, id int64) (Product, error) {
	var product Product
	err := s.with(ctx, func(c *pgxpool.Conn) error {
		rows, err := c.Query(ctx, `SELECT `+productColumns+` FROM products WHERE id = $1`, id)
		if err != nil {
			return err
		}
		product, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[Product])
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return product, ErrNotFound
	}
	if err != nil {
		return product, fmt.Errorf("reading product %d: %w", id, err)
	}
	return product, nil
}

// AddUser creates an account, or returns ErrTaken.
func (s *Store) AddUser(ctx context.Context, email, passwordHash string) (int64, error) {
	var id int64
	err := s.with(ctx, func(c *pgxpool.Conn) error {
		return c.QueryRow(ctx, `INSERT INTO users (email, password_hash) VALUES ($1, $2) RETURNING id`, email, passwordHash).Scan(&id)
	})
	if violates(err, "users_email_key") {
		return 0, ErrTaken
	}
	if err != nil {
		return 0, fmt.Errorf("creating an account: %w", err)
	}
	return id, nil
}

// UserByEmail returns an account, or ErrNotFound.
func (s *Store) UserByEmail(ctx context.Context, email string) (User, error) {
	var user User
	err := s.with(ctx, func(c *pgxpool.Conn) error {
		return c.QueryRow(ctx, `SELECT id, email, password_hash FROM users WHERE email = $1`, email).Scan(&user.ID, &user.Email, &user.PasswordHash)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return user, ErrNotFound
	}
	if err != nil {
		return user, fmt.Errorf("reading an account: %w", err)
	}
	return user, nil
}

// SetCart sets how many of a product are in a cart; 0 takes it out. An unknown product is ErrNotFound.
func (s *Store) SetCart(ctx context.Context, userID, productID int64, quantity int) error {
	err := s.with(ctx, func(c *pgxpool.Conn) error {
		if quantity == 0 {
			_, err := c.Exec(ctx, `DELETE FROM cart_items WHERE user_id = $1 AND product_id = $2`, userID, productID)
			return err
		}
		_, err := c.Exec(ctx, `INSERT INTO cart_items (user_id, product_id, quantity) VALUES ($1, $2, $3)
			ON CONFLICT (user_id, product_id) DO UPDATE SET quantity = excluded.quantity`, userID, productID, quantity)
		return err
	})
	if violates(err, "cart_items_product_id_fkey") {
		return ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("changing a cart: %w", err)
	}
	return nil
}

// Cart returns what is in a cart.
func (s *Store) Cart(ctx context.Context, userID int64) ([]CartLine, error) {
	var lines []CartLine
	err := s.with(ctx, func(c *pgxpool.Conn) error {
		rows, err := c.Query(ctx, `SELECT p.id, p.sku, p.name, p.description, p.price_cents, p.stock, i.quantity
			FROM cart_items i JOIN products p ON p.id = i.product_id WHERE i.user_id = $1 ORDER BY p.id`, userID)
		if err != nil {
			return err
		}
		lines, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (CartLine, error) {
			var l CartLine
			err := row.Scan(&l.ID, &l.SKU, &l.Name, &l.Description, &l.PriceCents, &l.Stock, &l.Quantity)
			return l, err
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading a cart: %w", err)
	}
	return lines, nil
}

// PlaceOrder takes lines out of stock and records the order, in one transaction. key makes a retry harmless: the same key
// and lines return the first order, other lines ErrReused. It reports whether the order is new.
func (s *Store) PlaceOrder(ctx context.Context, userID int64, key string, hash []byte, lines []Line) (Order, bool, error) {
	// Everybody takes stock in the same order, so that two orders never wait for each other in a circle.
	lines = slices.Clone(lines)
	slices.SortFunc(lines, func(a, b Line) int { return int(a.ProductID - b.ProductID) })
	var order Order
	created := false
	err := s.inTx(ctx, func(tx pgx.Tx) error {
		created = false
		err := tx.QueryRow(ctx, `INSERT INTO orders (user_id, idempotency_key, request_hash, total_cents) VALUES ($1, $2, $3, 0)
			ON CONFLICT (user_id, idempotency_key) DO NOTHING RETURNING id, created_at`, userID, key, hash).Scan(&order.ID, &order.CreatedAt)
		if errors.Is(err, pgx.ErrNoRows) {
			order, err = earlier(ctx, tx, userID, key, hash)
			return err
		}
		if err != nil {
			return err
		}
		created = true
		order.TotalCents, order.Lines = 0, nil
		var ids []int64
		for _, line := range lines {
			taken := OrderLine{ProductID: line.ProductID, Quantity: line.Quantity}
			err := tx.QueryRow(ctx, `UPDATE products SET stock = stock - $2 WHERE id = $1 AND stock >= $2 RETURNING name, price_cents`,
				line.ProductID, line.Quantity).Scan(&taken.Name, &taken.PriceCents)
			if errors.Is(err, pgx.ErrNoRows) {
				return missing(ctx, tx, line.ProductID)
			}
			if err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, `INSERT INTO order_items (order_id, product_id, quantity, price_cents) VALUES ($1, $2, $3, $4)`,
				order.ID, line.ProductID, line.Quantity, taken.PriceCents); err != nil {
				return err
			}
			ids = append(ids, line.ProductID)
			order.TotalCents += int64(taken.PriceCents) * int64(line.Quantity)
			order.Lines = append(order.Lines, taken)
		}
		if _, err := tx.Exec(ctx, `UPDATE orders SET total_cents = $2 WHERE id = $1`, order.ID, order.TotalCents); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `DELETE FROM cart_items WHERE user_id = $1 AND product_id = ANY($2)`, userID, ids)
		return err
	})
	var short *OutOfStock
	if err != nil && !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrReused) && !errors.Is(err, ErrBusy) && !errors.As(err, &short) {
		err = fmt.Errorf("placing an order: %w", err)
	}
	return order, created, err
}

// earlier returns the order that was placed with a key before.
func earlier(ctx context.Context, tx pgx.Tx, userID int64, key string, hash []byte) (Order, error) {
	var order Order
	var before []byte
	err := tx.QueryRow(ctx, `SELECT id, total_cents, created_at, request_hash FROM orders WHERE user_id = $1 AND idempotency_key = $2`, userID, key).
		Scan(&order.ID, &order.TotalCents, &order.CreatedAt, &before)
	if err != nil {
		return order, err
	}
	if !bytes.Equal(before, hash) {
		return order, ErrReused
	}
	order.Lines, err = orderLines(ctx, tx, order.ID)
	return order, err
}

// missing says why a product could not be taken.
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

type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

func orderLines(ctx context.Context, q querier, orderID int64) ([]OrderLine, error) {
	rows, err := q.Query(ctx, `SELECT i.product_id, p.name, i.quantity, i.price_cents FROM order_items i JOIN products p ON p.id = i.product_id
		WHERE i.order_id = $1 ORDER BY i.product_id`, orderID)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[OrderLine])
}

// Orders returns somebody's orders, the newest first, at most 50.
func (s *Store) Orders(ctx context.Context, userID int64) ([]Order, error) {
	var orders []Order
	err := s.with(ctx, func(c *pgxpool.Conn) error {
		rows, err := c.Query(ctx, `SELECT id, total_cents, created_at FROM orders WHERE user_id = $1 ORDER BY id DESC LIMIT 50`, userID)
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

// Seed adds products where there are none, for a shop to look at; it reports how many it added.
func (s *Store) Seed(ctx context.Context, count int) (int64, error) {
	var added int64
	err := s.with(ctx, func(c *pgxpool.Conn) error {
		tag, err := c.Exec(ctx, `INSERT INTO products (sku, name, description, price_cents, stock)
			SELECT 'P' || lpad(n::text, 5, '0'),
				(ARRAY['Walnut','Linen','Copper','Stoneware','Oak','Wool','Glass','Brass'])[1 + n % 8] || ' ' ||
				(ARRAY['bowl','lamp','chair','blanket','teapot','shelf','vase','mirror','basket'])[1 + n % 9],
				'Made in small batches, number ' || n || '.', 500 + (n * 37) % 9500, 20 + n % 80
			FROM generate_series(1, $1) n ON CONFLICT (sku) DO NOTHING`, count)
		added = tag.RowsAffected()
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("adding products: %w", err)
	}
	return added, nil
}
