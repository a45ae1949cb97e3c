"""The product list and the order endpoint as a Flask application.

The comparison is fair: both applications have the same schema, cache, queries and answers, and a connection pool.
Debug mode and the reloader are off. `make bench` starts the application under Gunicorn."""

import hashlib
import json
import os
import time

import jwt
import psycopg2
import redis
from flask import Flask, Response, request
from psycopg2.pool import ThreadedConnectionPool

app = Flask(__name__)
pool = ThreadedConnectionPool(1, int(os.environ["THREADS"]), os.environ["DATABASE_URL"])
cache = redis.Redis(
    host=os.environ["REDIS_HOST"],
    port=int(os.environ["REDIS_PORT"]),
    password=os.environ["REDIS_PASSWORD"],
    socket_timeout=0.1,
)
near = {}  # The process keeps its own copy of an answer for a second, as the Go application does.
COLUMNS = ("id", "sku", "name", "description", "priceCents", "stock")

LIST = "SELECT id, sku, name, description, price_cents, stock FROM products WHERE id > %s ORDER BY id LIMIT %s"
SEARCH = (
    "SELECT id, sku, name, description, price_cents, stock FROM products "
    "WHERE id > %s AND words @@ websearch_to_tsquery('simple', %s) ORDER BY id LIMIT %s"
)
INSERT_ORDER = (
    "INSERT INTO orders (user_id, idempotency_key, request_hash, total_cents) VALUES (%s, %s, %s, 0) "
    "ON CONFLICT (user_id, idempotency_key) DO NOTHING RETURNING id, created_at"
)
TAKE = "UPDATE products SET stock = stock - %s WHERE id = %s AND stock >= %s RETURNING name, price_cents"
INSERT_LINE = "INSERT INTO order_items (order_id, product_id, quantity, price_cents) VALUES (%s, %s, %s, %s)"
SET_TOTAL = "UPDATE orders SET total_cents = %s WHERE id = %s"
CLEAR_CART = "DELETE FROM cart_items WHERE user_id = %s AND product_id = ANY(%s)"


def answer(value, status=200):
    return Response(json.dumps(value), status=status, mimetype="application/json")


class Connection:
    """A connection from the pool, in one transaction."""

    def __enter__(self):
        self.connection = pool.getconn()
        return self.connection

    def __exit__(self, failed, *_):
        if failed:
            self.connection.rollback()
        else:
            self.connection.commit()
        pool.putconn(self.connection)


@app.get("/api/products")
def products():
    limit, after = int(request.args.get("limit", 24)), int(request.args.get("cursor") or 0)
    search = request.args.get("search", "")
    key = f"flask:products:{after}:{limit}:{search}"
    copy = near.get(key)
    if copy and time.monotonic() < copy[1]:
        return Response(copy[0], mimetype="application/json")
    kept = cache.get(key)
    if kept:
        near[key] = (kept, time.monotonic() + 1)
        return Response(kept, mimetype="application/json")
    with Connection() as c, c.cursor() as cursor:
        if search:
            cursor.execute(SEARCH, (after, search, limit))
        else:
            cursor.execute(LIST, (after, limit))
        found = [dict(zip(COLUMNS, row)) for row in cursor.fetchall()]
    body = json.dumps({"products": found, "next": str(found[-1]["id"]) if len(found) == limit else ""})
    cache.set(key, body, ex=15)
    return Response(body, mimetype="application/json")


@app.post("/api/orders")
def orders():
    try:
        token = request.headers["Authorization"][len("Bearer "):]
        claims = jwt.decode(token, os.environ["JWT_SECRET"], algorithms=["HS256"], issuer="webapp")
    except (KeyError, jwt.InvalidTokenError):
        return answer({"error": "sign in first"}, 401)
    user, key, lines = int(claims["sub"]), request.headers["Idempotency-Key"], request.get_json()["lines"]
    digest = hashlib.sha256(json.dumps(lines).encode()).digest()
    with Connection() as c, c.cursor() as cursor:
        cursor.execute(INSERT_ORDER, (user, key, psycopg2.Binary(digest)))
        row = cursor.fetchone()
        if row is None:
            return answer({"error": "placed before"})
        order, total, taken = row[0], 0, []
        for line in sorted(lines, key=lambda l: l["productId"]):
            product, quantity = line["productId"], line["quantity"]
            cursor.execute(TAKE, (quantity, product, quantity))
            sold = cursor.fetchone()
            if sold is None:
                c.rollback()
                return answer({"error": "sold out"}, 409)
            cursor.execute(INSERT_LINE, (order, product, quantity, sold[1]))
            total += sold[1] * quantity
            taken.append({"productId": product, "name": sold[0], "quantity": quantity, "priceCents": sold[1]})
        cursor.execute(SET_TOTAL, (total, order))
        cursor.execute(CLEAR_CART, (user, [line["productId"] for line in lines]))
    cache.delete(*(f"flask:product:{line['productId']}" for line in lines))
    return answer({"id": order, "totalCents": total, "createdAt": row[1].isoformat(), "lines": taken}, 201)
