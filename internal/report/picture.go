package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"groundwork/internal/awstype"
	"groundwork/internal/graph"
)

// Picture is an architecture drawn as shapes, in units of a drawing that is Width by Height.
type Picture struct {
	Width, Height int
	Boxes         []Box
	Arrows        []Arrow
	// Flows lists every connection that security groups admit. The arrows show some of them.
	Flows []Flow
}

// Label describes the picture to readers who do not see it.
func (*Picture) Label() string {
	return "Architecture: edge, VPC with its zones and tiers, and what may talk to what; " +
		"the table below lists the connections"
}

// Box is one thing, or an area that contains things.
type Box struct {
	X, Y, W, H int
	// TitleY is the place of the title.
	TitleY int
	// Kind is the class of its style: vpc, zone, public, private, data, edge, thing or outside.
	Kind  string
	Title string
	Lines []string
}

// Arrow is one path of requests, with a label.
type Arrow struct {
	X1, Y1, X2, Y2 int
	Label          string
	LabelX, LabelY int
}

// Measures of the drawing.
const (
	margin, columnWidth, columnGap = 20, 280, 20
	sideWidth                      = 240
	publicHeight, dataHeight       = 78, 104
	// nodesOffset is the distance from the top of the private tier to the box of the nodes. The load balancer is in
	// between. nodesHeight is the height of that box without the lines for its groups.
	nodesOffset, nodesHeight = 80, 46
	lineHeight               = 16
	// storeOffset is the distance from the top of the data tier to a store.
	storeOffset = 10
)

// drawing places the parts of a graph.
type drawing struct {
	graph *graph.Graph
	// zones are the availability zones, in order.
	zones   []string
	picture *Picture
}

// draw makes a picture of a graph. The edge is on top. Below it, the VPC has a column for each zone and a row for each
// tier. Resources that belong to no zone are at the side.
func draw(g *graph.Graph) *Picture {
	d := &drawing{graph: g, picture: &Picture{Flows: flows(g)}}
	zones := map[string]bool{}
	for _, s := range g.OfType(awstype.Subnet) {
		zones[s.Inputs.Str("availabilityZone")] = true
	}
	d.zones = slices.Sorted(maps.Keys(zones))
	inside := len(d.zones)*(columnWidth+columnGap) - columnGap
	vpcWidth := inside + 2*margin
	vpcTop := 178
	publicTop := vpcTop + 62
	privateTop := publicTop + publicHeight + 12
	privateHeight := nodesOffset + d.nodesHeight() + 28
	dataTop := privateTop + privateHeight + 12
	bottom := dataTop + dataHeight + margin + 10
	d.picture.Width, d.picture.Height = vpcWidth+sideWidth+4*margin, bottom+margin
	center := margin + vpcWidth/2

	d.box(center-100, 10, 200, 34, "outside", "Internet")
	d.edge(center)
	vpc := first(g, awstype.VPC)
	d.box(margin, vpcTop, vpcWidth, bottom-vpcTop, "vpc", "VPC "+vpc.Inputs.Str("cidrBlock"))
	for i, zone := range d.zones {
		x := 2*margin + i*(columnWidth+columnGap)
		d.box(x, vpcTop+26, columnWidth, bottom-vpcTop-36, "zone", zone)
		for _, tier := range []struct {
			name        string
			top, height int
		}{{"public", publicTop, publicHeight}, {"private", privateTop, privateHeight}, {"data", dataTop, dataHeight}} {
			title := tier.name + " " + d.subnet(zone, tier.name).Inputs.Str("cidrBlock")
			d.box(x+8, tier.top, columnWidth-16, tier.height, tier.name, title)
		}
		d.gateway(zone, x, publicTop)
		d.nodes(x, privateTop)
		d.stores(i, x, dataTop)
	}
	d.loadBalancer(2*margin+8, privateTop+24, inside-16)
	d.side(margin+vpcWidth+margin, vpcTop)
	d.arrows(vpcTop, privateTop, dataTop)
	return d.picture
}

// first returns the first resource of a type, or an empty one.
func first(g *graph.Graph, token string) *graph.Resource {
	if all := g.OfType(token); len(all) > 0 {
		return all[0]
	}
	return &graph.Resource{Inputs: graph.Props{}, Outputs: graph.Props{}}
}

// box adds a box.
func (d *drawing) box(x, y, w, h int, kind, title string, lines ...string) {
	titleY := y + 18
	if kind == "data" {
		titleY = y + h - 8 // Arrows end at the top of the data tier.
	}
	d.picture.Boxes = append(d.picture.Boxes, Box{x, y, w, h, titleY, kind, title, lines})
}

// subnet returns the subnet of a zone and tier, or an empty resource.
func (d *drawing) subnet(zone, tier string) *graph.Resource {
	for _, s := range d.graph.OfType(awstype.Subnet) {
		if s.Inputs.Str("availabilityZone") == zone && s.Inputs.Str("tags.Tier") == tier {
			return s
		}
	}
	return &graph.Resource{Inputs: graph.Props{}}
}

// edge draws CloudFront above the VPC.
func (d *drawing) edge(center int) {
	distribution := first(d.graph, awstype.Distribution)
	lines := []string{"TLS, HTTP/3, static files cached"}
	if aliases := distribution.Inputs.Strs("aliases"); len(aliases) > 0 {
		lines = append(lines, strings.Join(aliases, ", "))
	}
	if len(d.graph.OfType(awstype.CloudFrontFunction)) > 0 {
		lines = []string{"answers by itself: parked"}
	}
	if rules, ok := first(d.graph, awstype.WebACL).Inputs["rules"].([]any); ok {
		lines = append(lines, fmt.Sprintf("firewall with %d rules", len(rules)))
	} else {
		lines = append(lines, "no firewall")
	}
	d.box(center-170, 78, 340, 66, "edge", "CloudFront", lines...)
	d.arrow(center, 44, center, 78, "HTTPS", center+8, 64)
}

// gateway draws the NAT gateway of a zone that has one.
func (d *drawing) gateway(zone string, x, top int) {
	for _, nat := range d.graph.OfType(awstype.NATGateway) {
		if nat.Inputs.Str("subnetId") == d.subnet(zone, "public").ID {
			d.box(x+24, top+24, columnWidth-48, 44, "thing", "NAT gateway", "way out, with a fixed address")
		}
	}
}

// nodesHeight returns the height of the box of the nodes.
func (d *drawing) nodesHeight() int {
	return nodesHeight + lineHeight*len(d.graph.OfType(awstype.NodeGroup))
}

// nodes draws the node groups in one zone. The text is the same in every zone, because EKS decides how many nodes of a
// group a zone gets.
func (d *drawing) nodes(x, top int) {
	var lines []string
	for _, group := range d.graph.OfType(awstype.NodeGroup) {
		kind := ""
		for _, template := range d.graph.OfType(awstype.LaunchTemplate) {
			if template.ID == group.Inputs.Str("launchTemplate.id") {
				kind = template.Inputs.Str("instanceType")
			}
		}
		least, _ := group.Inputs.Num("scalingConfig.minSize")
		most, _ := group.Inputs.Num("scalingConfig.maxSize")
		name := strings.TrimPrefix(group.Name, "cluster-nodes-")
		lines = append(lines, fmt.Sprintf("%s: %v to %v x %s", name, least, most, kind))
	}
	if len(lines) > 0 {
		lines = append(lines, "pods of the application")
		d.box(x+24, top+nodesOffset, columnWidth-48, d.nodesHeight(), "thing", "nodes, in all zones together", lines...)
	}
}

// stores draws the database and the cache in a zone, which is given by its index.
func (d *drawing) stores(zone, x, top int) {
	width := columnWidth/2 - 22
	database := first(d.graph, awstype.DBInstance)
	role := []string{database.Inputs.Str("instanceClass"), "in one zone"}
	if database.Inputs.Flag("multiAz") {
		role[1] = "primary/standby"
	}
	if database.ID != "" && (database.Inputs.Flag("multiAz") && zone < 2 || zone == 0) {
		d.box(x+16, top+storeOffset, width, 66, "thing", "PostgreSQL "+database.Inputs.Str("engineVersion"), role...)
	}
	cache := first(d.graph, awstype.ReplicationGroup)
	if nodes, _ := cache.Inputs.Num("numCacheClusters"); float64(zone) < nodes {
		title := cache.Inputs.Str("engine") + " " + cache.Inputs.Str("engineVersion")
		kind := strings.TrimPrefix(cache.Inputs.Str("nodeType"), "cache.")
		d.box(x+16+width+10, top+storeOffset, width, 66, "thing", title, kind, members(zone, len(d.zones), int(nodes)))
	}
}

// members says how many nodes of a cache are in a zone. ElastiCache spreads the nodes evenly.
func members(zone, zones, nodes int) string {
	here := (nodes - zone + zones - 1) / zones
	if here == 1 {
		return fmt.Sprintf("1 node of %d", nodes)
	}
	return fmt.Sprintf("%d nodes of %d", here, nodes)
}

// loadBalancer draws the load balancer across all zones.
func (d *drawing) loadBalancer(x, y, w int) {
	if len(d.graph.OfType(awstype.LoadBalancer)) > 0 {
		d.box(x, y, w, 42, "edge", "load balancer, internal, in all zones", "to pods that are ready")
	}
}

// side draws the resources that belong to no zone.
func (d *drawing) side(x, y int) {
	g := d.graph
	var things []Box
	add := func(title string, lines ...string) {
		things = append(things, Box{Title: title, Lines: lines})
	}
	if cluster := first(g, awstype.EKSCluster); len(g.OfType(awstype.EKSCluster)) > 0 {
		add("EKS "+cluster.Inputs.Str("version"), endpointAccess(cluster))
	}
	var releases []string
	for _, release := range g.OfType(awstype.HelmRelease) {
		releases = append(releases, release.Inputs.Str("name"))
	}
	if len(releases) > 0 {
		add("in Kubernetes", releases...)
	}
	count := func(title, token, one, several string) {
		switch n := len(g.OfType(token)); {
		case n == 1:
			add(title, "1 "+one)
		case n > 1:
			add(title, fmt.Sprintf("%d %s", n, several))
		}
	}
	count("Secrets Manager", awstype.Secret, "secret, and the database's own", "secrets, and the database's own")
	count("KMS", awstype.Key, "key, rotated every year", "keys, rotated every year")
	count("ECR", awstype.Repository, "repository", "repositories")
	count("CloudWatch", awstype.MetricAlarm, "alarm", "alarms")
	interfaces := 0
	for _, e := range g.OfType(awstype.VPCEndpoint) {
		if e.Inputs.Str("vpcEndpointType") == "Interface" {
			interfaces++
		}
	}
	add("VPC endpoints", fmt.Sprintf("S3, and %d private ones", interfaces))
	for _, thing := range things {
		height := 30 + lineHeight*len(thing.Lines)
		d.box(x, y, sideWidth, height, "thing", thing.Title, thing.Lines...)
		y += height + 10
	}
	d.picture.Height = max(d.picture.Height, y+margin)
}

// endpointAccess says who reaches the endpoint of a cluster.
func endpointAccess(cluster *graph.Resource) string {
	if !cluster.Inputs.Flag("vpcConfig.endpointPublicAccess") {
		return "private endpoint"
	}
	if ranges := len(cluster.Inputs.Strs("vpcConfig.publicAccessCidrs")); ranges > 1 {
		return fmt.Sprintf("endpoint open to %d ranges", ranges)
	}
	return "endpoint open to " + cluster.Inputs.Str("vpcConfig.publicAccessCidrs[0]")
}

// arrow adds an arrow.
func (d *drawing) arrow(x1, y1, x2, y2 int, label string, lx, ly int) {
	d.picture.Arrows = append(d.picture.Arrows, Arrow{x1, y1, x2, y2, label, lx, ly})
}

// arrows draws the flows between the boxes of the picture.
func (d *drawing) arrows(vpcTop, privateTop, dataTop int) {
	ports := map[string]string{}
	for _, f := range d.picture.Flows {
		ports[f.From+">"+f.To] = f.Ports
	}
	if p, ok := ports["CloudFront>load balancer"]; ok && len(d.graph.OfType(awstype.LoadBalancer)) > 0 {
		// The arrow runs between the first two zones, where it crosses no box.
		x := 2*margin + columnWidth + columnGap/2
		d.arrow(x, 144, x, privateTop+24, "VPC origin, "+p, x+8, vpcTop-10)
	}
	for i := range d.zones {
		x := 2*margin + i*(columnWidth+columnGap)
		middle := x + columnWidth/2
		hasNodes := len(d.graph.OfType(awstype.NodeGroup)) > 0
		if p, ok := ports["load balancer>nodes"]; ok && hasNodes {
			d.arrow(middle, privateTop+66, middle, privateTop+80, p, middle+8, privateTop+77)
		}
		from := privateTop + nodesOffset + d.nodesHeight()
		for _, b := range d.picture.Boxes {
			if b.Kind != "thing" || b.Y != dataTop+storeOffset || b.X < x || b.X > x+columnWidth || !hasNodes {
				continue
			}
			to := "cache"
			if strings.HasPrefix(b.Title, "PostgreSQL") {
				to = "database"
			}
			if p, ok := ports["nodes>"+to]; ok {
				at := b.X + b.W/2
				d.arrow(at, from, at, b.Y, p, at+6, dataTop-4)
			}
		}
	}
}
