package cost

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"groundwork/components/hardware"
)

// List has prices that were read from AWS's price list for one region. It stands before the prices that are compiled
// in.
type List struct {
	Region string `json:"region"`
	// Published is the day on which AWS published the oldest of the lists that were read.
	Published string `json:"published"`
	// Amounts are in US dollars, by the key of the price or by the name of an instance type, class or node type.
	Amounts map[string]float64 `json:"amounts"`
}

// listFile is where the list of a region is, in the folder of the project.
func listFile(root, region string) string { return filepath.Join(root, "prices", region+".json") }

// PricesOf returns the prices of a region: those of the list in the project at root, if there is one, and those that
// are compiled in.
func PricesOf(root, region string) (Prices, error) {
	prices := Prices{Region: region}
	text, err := os.ReadFile(listFile(root, region))
	if errors.Is(err, fs.ErrNotExist) {
		return prices, nil
	}
	if err != nil {
		return prices, fmt.Errorf("reading the prices of %s: %w", region, err)
	}
	if err := json.Unmarshal(text, &prices.Own); err != nil {
		return prices, fmt.Errorf("reading %s: %w", listFile(root, region), err)
	}
	if prices.Own.Region != region {
		return prices, fmt.Errorf("reading %s: it has the prices of %q", listFile(root, region), prices.Own.Region)
	}
	return prices, nil
}

// Write writes the list into the project at root, and returns the name of the file.
func (l *List) Write(root string) (string, error) {
	file := listFile(root, l.Region)
	text, err := json.MarshalIndent(l, "", "  ")
	if err != nil {
		return "", fmt.Errorf("writing %s: %w", file, err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return "", fmt.Errorf("writing %s: %w", file, err)
	}
	if err := os.WriteFile(file, append(text, '\n'), 0o644); err != nil {
		return "", fmt.Errorf("writing %s: %w", file, err)
	}
	return file, nil
}

// amount returns a price of the list. A nil list has none.
func (l *List) amount(key string) (float64, bool) {
	if l == nil {
		return 0, false
	}
	amount, ok := l.Amounts[key]
	return amount, ok
}

// checked says of which day the prices are: that of the region's own list, if there is one.
func (p Prices) checked() string {
	if p.Own != nil {
		return p.Own.Published
	}
	return Checked() + " (instances of " + hardware.Published() + ")"
}
