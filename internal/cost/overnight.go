package cost

import (
	"fmt"
	"io"
	"strings"

	"groundwork/internal/awstype"
)

// ArticleSettings turn dev into the environment of the article that this project began with: two small nodes, the
// smallest database and cache, one NAT gateway and no firewall, in us-east-1.
var ArticleSettings = []string{
	"aws:region=us-east-1",
	`network.zones=["us-east-1a","us-east-1b"]`,
	"network.natMode=single",
	"encryptionKeys=shared",
	`cluster.nodeGroups={"general":{"instanceType":"t3.small","desiredSize":2,"minSize":0,"maxSize":3,"diskGiB":20}}`,
	"database.instanceClass=db.t3.micro",
	"database.availability=singleZone",
	"database.storageGiB=20",
	"cache.engine=redis",
	"cache.nodeType=cache.t3.micro",
	"cache.nodes=1",
	"edge.firewall=none",
}

// articleRow is one row of the article's table of a night, or a row that the article leaves out.
type articleRow struct {
	resource string
	// says is the article's figure. It is empty for a row that the article leaves out.
	says string
	// price and quantity apply to an hour or a month. They are empty where nothing is paid.
	price    string
	quantity float64
	note     string
}

// article lists what the article's script leaves running.
// Source of the figures: "AWS Production Deploy: Terraform Layers", January 2026.
var article = []articleRow{
	{"EKS control plane", "", "eks.control_plane.standard", 1, "not in the article; it cannot be stopped"},
	{"EKS nodes (2 x t3.small)", "0", "", 0, "terminated, unless the autoscaler starts one again"},
	{"RDS (db.t3.micro) storage", "0.02", "rds.gp3.storage.single", 20, "20 GB; AWS starts it again after seven days"},
	{"ElastiCache (cache.t3.micro)", "0.40", "elasticache.redis.cache.t3.micro", 1, "cannot be stopped"},
	{"NAT gateway", "0.50", "nat.hour", 1, ""},
	{"address of the NAT gateway", "", "public_ipv4.hour", 1, "not in the article"},
	{"load balancer", "", "alb.hour", 1, "not in the article"},
	{
		"addresses of the load balancer", "", "public_ipv4.hour", 2,
		"not in the article: it faces the internet in two zones",
	},
	{
		"capacity unit of the load balancer", "", "alb.lcu", 1,
		"not in the article; an upper bound while nobody calls",
	},
	{"secrets", "", "secretsmanager.secret", 3, "not in the article"},
	{"CloudFront", "0", "", 0, "paid by use"},
}

// Article returns what a night costs after the article's script, at list prices in us-east-1, and a table of it.
func Article() (night float64, text string, err error) {
	var b strings.Builder
	fmt.Fprintf(&b, "%-38s %10s %10s\n", "", "article", "list price")
	for _, row := range article {
		amount := 0.0
		if row.price != "" {
			unit, err := Prices{Region: "us-east-1"}.unit(row.price)
			if err != nil {
				return 0, "", fmt.Errorf("pricing the article's night: %w", err)
			}
			amount = unit * row.quantity * HoursPerNight
			if !perHour(row.price) {
				amount /= HoursPerMonth
			}
		}
		night += amount
		fmt.Fprintf(&b, "%-38s %10s %10.2f  %s\n", row.resource, row.says, amount, row.note)
	}
	fmt.Fprintf(&b, "%-38s %10s %10.2f\n", "together", "about 1", night)
	return night, b.String(), nil
}

// AfterScript returns the sheet of the environment after the article's script, which removes the nodes and stops the
// database.
func (s *Sheet) AfterScript() *Sheet {
	after := *s
	after.Lines = nil
	for _, l := range s.Lines {
		switch {
		case l.Type == awstype.NodeGroup, l.Type == awstype.DBInstance && l.PerHour:
			continue
		case l.Type == awstype.DBInstance && l.Price == logsWritten, l.Price == observed, l.Price == betweenZones:
			// Nothing is observed, and nothing talks.
			continue
		}
		after.Lines = append(after.Lines, l)
	}
	return &after
}

// Night returns what twelve hours cost, with assumed usage.
func (s *Sheet) Night() float64 {
	fixed, usage := s.Total()
	return (fixed + usage) * HoursPerNight / HoursPerMonth
}

// PrintOvernight compares the article's night with the nights of an environment of the same sizes.
func PrintOvernight(w io.Writer, running, parked, hibernated *Sheet) error {
	_, text, err := Article()
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "Twelve hours at night in us-east-1, US dollars at list prices of %s\n\n", Checked())
	fmt.Fprintf(w, "The article's own table, corrected\n%s\n", text)
	fmt.Fprintln(w, "This program with the article's sizes: keys, alarms, logs and use included")
	for _, row := range []struct {
		name  string
		sheet *Sheet
	}{
		{"running", running},
		{"after the article's script", running.AfterScript()},
		{"parked", parked},
		{"hibernated", hibernated},
	} {
		fixed, usage := row.sheet.Total()
		share := float64(HoursPerNight) / HoursPerMonth
		fmt.Fprintf(w, "%-38s %10s %10.2f  %.3f whatever is used, %.3f by use as assumed\n",
			row.name, "", row.sheet.Night(), fixed*share, usage*share)
	}
	return nil
}
