package doctor

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"
	"time"

	"groundwork/components/addons"
	"groundwork/components/cluster"
	"groundwork/components/delivery"
	"groundwork/internal/cost"
	"groundwork/stacks"
)

// Deadline is a day on which something ends.
type Deadline struct {
	// What names the thing that ends. The report continues it with "ends on".
	What string
	Day  time.Time
	// Notice is how many days before Day the report warns.
	Notice int
	// Over says what happens on Day, and Do says what to do.
	Over, Do string
}

// Calendar compares deadlines with a day.
func Calendar(deadlines []Deadline, today time.Time) Report {
	var r Report
	for _, d := range deadlines {
		left := int(d.Day.Sub(today).Hours() / 24)
		date := d.Day.Format(time.DateOnly)
		switch {
		case left <= 0:
			r.add(Broken, "calendar", d.Do, "%s ended on %s: %s", d.What, date, d.Over)
		case left <= d.Notice:
			r.add(Warning, "calendar", d.Do, "%s ends on %s, in %d days: %s", d.What, date, left, d.Over)
		default:
			r.add(Good, "calendar", "", "%s ends on %s", d.What, date)
		}
	}
	return r
}

// Dated is something that grows old.
type Dated struct {
	What string
	// Was is what happened on Day: "released" or "checked".
	Was string
	Day time.Time
	// Fresh is for how many days that is recent.
	Fresh int
	// Do says what to do then.
	Do string
}

// Ages warns about what is too old.
func Ages(all []Dated, today time.Time) Report {
	var r Report
	for _, c := range all {
		age := int(today.Sub(c.Day).Hours() / 24)
		date := c.Day.Format(time.DateOnly)
		if age > c.Fresh {
			r.add(Warning, "calendar", c.Do, "%s: %s on %s, %d days ago", c.What, c.Was, date, age)
			continue
		}
		r.add(Good, "calendar", "", "%s: %s on %s", c.What, c.Was, date)
	}
	return r
}

// postgresSupport is when RDS's standard support of a major version of PostgreSQL ends.
// Source: Amazon RDS User Guide, "Release calendars for Amazon RDS for PostgreSQL", checked on 2026-11-26.
var postgresSupport = map[string]time.Time{
	"14": day(2027, 2, 28), "15": day(2028, 2, 29), "16": day(2029, 2, 28), "17": day(2030, 2, 28),
	"18": day(2031, 2, 28),
}

func day(year int, month time.Month, d int) time.Time {
	return time.Date(year, month, d, 0, 0, 0, 0, time.UTC)
}

// Deadlines returns the deadlines of an environment. certificates is the file of RDS's certificate authorities.
func Deadlines(c *stacks.Config, certificates []byte) ([]Deadline, error) {
	release := cluster.Releases[c.Cluster.KubernetesVersion]
	over := "AWS upgrades the cluster by itself"
	if c.Cluster.SupportType == cluster.SupportExtended {
		over = "the control plane costs six times as much"
	}
	all := []Deadline{{
		What:   "standard support of Kubernetes " + c.Cluster.KubernetesVersion,
		Day:    release.StandardSupportEnd,
		Notice: 120,
		Over:   over,
		Do:     "raise cluster.kubernetesVersion, one minor at a time, on a copy first",
	}}
	if end, known := postgresSupport[c.Database.Version]; known {
		all = append(all, Deadline{
			What:   "standard support of PostgreSQL " + c.Database.Version,
			Day:    end,
			Notice: 365,
			Over:   "RDS upgrades the database by itself, in a maintenance window of its choice",
			Do:     "raise database.version, with database.allowMajorVersionUpgrade, on a restored snapshot first",
		})
	}
	end, err := authority(certificates, c.Region)
	if err != nil {
		return nil, err
	}
	return append(all, Deadline{
		What:   "the certificate authority of RDS in " + c.Region + " that the image carries",
		Day:    end,
		Notice: 365,
		Over:   "no connection to the database would be trusted",
		Do:     "make rds-certificates, then a release",
	}), nil
}

// authority returns when RDS's default certificate authority of a region expires. text is a file of certificates.
func authority(text []byte, region string) (time.Time, error) {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return time.Time{}, fmt.Errorf("reading RDS's certificates: %w", err)
		}
		name := certificate.Subject.CommonName
		if strings.Contains(name, "RDS "+region+" ") && strings.Contains(name, "RSA2048") {
			return certificate.NotAfter, nil
		}
	}
	return time.Time{}, fmt.Errorf("reading RDS's certificates: there is none of %s", region)
}

// recent is for how many days a release of a chart or a check of the prices is recent.
const recent = 180

// Tables returns the charts and the prices that an environment uses.
func Tables(c *stacks.Config) []Dated {
	var all []Dated
	for _, chart := range addons.Charts() {
		if !installs(c, chart.Name) {
			continue
		}
		number := c.Addons.Chart(chart.Name, c.Cluster.KubernetesVersion).Version
		for _, version := range chart.Versions {
			if version.Number == number {
				all = append(all, Dated{
					What:  "chart " + chart.Name + " " + version.Number,
					Was:   "released",
					Day:   version.Released,
					Fresh: recent,
					Do:    "look for a newer release and take it into components/addons, with its day",
				})
			}
		}
	}
	if checked, err := time.Parse(time.DateOnly, cost.Checked()); err == nil {
		all = append(all, Dated{
			What:  "prices",
			Was:   "checked",
			Day:   checked,
			Fresh: recent,
			Do:    "compare internal/cost/prices.json with AWS's price list",
		})
	}
	return all
}

// installs reports whether an environment installs a chart.
func installs(c *stacks.Config, chart string) bool {
	return c.Delivery.Owner == delivery.OwnerArgoCD || chart != addons.ArgoCD && chart != addons.ArgoCDApps
}
