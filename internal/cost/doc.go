// Package cost prices a resource graph at list prices: what every hour costs whatever happens, and what use adds under stated
// assumptions. Prices are data with a date (prices.json); a resource that is neither priced nor declared free is listed as such.
package cost
