package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Product is an item for sale.
type Product struct {
	ID          int64  `json:"id"`
	SKU         string `json:"sku"`
	Name        string `json:"name"`
	Description string `json:"description"`
	// PriceCents is the price in euro cents.
	PriceCents int `json:"priceCents"`
	Stock      int `json:"stock"`
}

// User is a person with an account.
type User struct {
	ID           int64
	Email        string
	PasswordHash string
}

// Line is a product and a quantity.
type Line struct {
	ProductID int64 `json:"productId"`
	Quantity  int   `json:"quantity"`
}

// CartLine is a line of a cart, with the current data of the product.
type CartLine struct {
	Product
	Quantity int `json:"quantity"`
}

// Order is an order that was placed.
type Order struct {
	ID         int64       `json:"id"`
	TotalCents int64       `json:"totalCents"`
	CreatedAt  time.Time   `json:"createdAt"`
	Lines      []OrderLine `json:"lines"`
}

// OrderLine is a line of an order, with the price at the time of the order.
type OrderLine struct {
	ProductID  int64  `json:"productId"`
	Name       string `json:"name"`
	Quantity   int    `json:"quantity"`
	PriceCents int    `json:"priceCents"`
}

const productColumns = `id, sku, name, description, price_cents, stock`

// Products lists at most limit products with an ID above after, sorted by ID. If search is not empty, it lists only
// products whose words match.
func (s *Store) Products(ctx context.Context, search string, after int64, limit int) ([]Product, error) {
	query := `SELECT ` + productColumns + ` FROM products WHERE id > $1 ORDER BY id LIMIT $2`
	args := []any{after, limit}
	if search != "" {
		query = `SELECT ` + productColumns + ` FROM products ` +
			`WHERE id > $1 AND words @@ websearch_to_tsquery('simple', $3) ORDER BY id LIMIT $2`
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
	const insert = `INSERT INTO users (email, password_hash) VALUES ($1, $2) RETURNING id`
	err := s.with(ctx, func(c *pgxpool.Conn) error {
		return c.QueryRow(ctx, insert, email, passwordHash).Scan(&id)
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
	const query = `SELECT id, email, password_hash FROM users WHERE email = $1`
	err := s.with(ctx, func(c *pgxpool.Conn) error {
		return c.QueryRow(ctx, query, email).Scan(&user.ID, &user.Email, &user.PasswordHash)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return user, ErrNotFound
	}
	if err != nil {
		return user, fmt.Errorf("reading an account: %w", err)
	}
	return user, nil
}

// SetCart sets the quantity of a product in a cart. The quantity 0 removes the product. SetCart returns ErrNotFound if
// the product does not exist.
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

// Cart returns the lines of a user's cart.
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

// Seed adds the sample products 1 to count that do not exist yet, and returns how many it added.
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
