// Package cost prices a resource graph at list prices: what accrues every hour, and what usage adds under stated
// assumptions. Prices are data with a date (prices.json). A resource that is neither priced nor declared free is listed
// as unpriced.
package cost
