package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"groundwork/internal/awstype"
	"groundwork/internal/graph"
)

// Picture is an architecture as shapes, in units of a drawing that is Width by Height.
type Picture struct {
	Width, Height int
	Boxes         []Box
	Arrows        []Arrow
	// Flows are all connections that security groups let in, for those who read and for what arrows leave out.
	Flows []Flow
}

// Box is one thing, or what contains things.
type Box struct {
	X, Y, W, H int
	// TitleY is where its title stands.
	TitleY int
	// Kind is how it looks: vpc, zone, public, private, data, edge, thing, outside.
	Kind  string
	Title string
	Lines []string
}

// Arrow is one way that requests go, with what it says about them.
type Arrow struct {
	X1, Y1, X2, Y2 int
	Label          string
	LabelX, LabelY int
}

// Flow is one connection that a security group lets in.
type Flow struct {
	From, To, Ports, Why string
}

// Measures of the drawing.
const (
	margin, columnWidth, columnGap = 20, 280, 20
	sideWidth                      = 240
	publicHeight, dataHeight       = 78, 104
	// nodesOffset is how far below the top of its tier the box of the nodes begins, below the load balancer; nodesHeight is that of
	// the box without a line for each group.
	nodesOffset, nodesHeight = 80, 46
	lineHeight               = 16
	// storeOffset is how far below the top of its tier a store begins.
	storeOffset = 10
)

// drawing places the parts of a graph.
type drawing struct {
	graph *graph.Graph
	// zones are the availability zones, in order.
	zones   []string
	picture *Picture
}

// draw makes a picture of a graph: edge on top, the VPC with a column for each zone and a row for each tier, what belongs to no
// zone at the side.
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
	centre := margin + vpcWidth/2

	d.box(centre-100, 10, 200, 34, "outside", "Internet")
	d.front(centre)
	vpc := first(g, awstype.VPC)
	d.box(margin, vpcTop, vpcWidth, bottom-vpcTop, "vpc", "VPC "+vpc.Inputs.Str("cidrBlock"))
	for i, zone := range d.zones {
		x := 2*margin + i*(columnWidth+columnGap)
		d.box(x, vpcTop+26, columnWidth, bottom-vpcTop-36, "zone", zone)
		for _, tier := range []struct {
			name        string
			top, height int
		}{{"public", publicTop, publicHeight}, {"private", privateTop, privateHeight}, {"data", dataTop, dataHeight}} {
			d.box(x+8, tier.top, columnWidth-16, tier.height, tier.name, tier.name+" "+d.subnet(zone, tier.name).Inputs.Str("cidrBlock"))
		}
		d.gateway(zone, x, publicTop)
		d.nodes(x, privateTop)
		d.stores(i, x, dataTop)
	}
	d.balancer(2*margin+8, privateTop+24, inside-16)
	d.side(margin+vpcWidth+margin, vpcTop)
	d.ways(vpcTop, privateTop, dataTop)
	return d.picture
}

func first(g *graph.Graph, token string) *graph.Resource {
	if all := g.OfType(token); len(all) > 0 {
		return all[0]
	}
	return &graph.Resource{Inputs: graph.Props{}, Outputs: graph.Props{}}
}

func (d *drawing) box(x, y, w, h int, kind, title string, lines ...string) {
	titleY := y + 18
	if kind == "data" {
		titleY = y + h - 8 // Above, arrows come in.
	}
	d.picture.Boxes = append(d.picture.Boxes, Box{x, y, w, h, titleY, kind, title, lines})
}

func (d *drawing) subnet(zone, tier string) *graph.Resource {
	for _, s := range d.graph.OfType(awstype.Subnet) {
		if s.Inputs.Str("availabilityZone") == zone && s.Inputs.Str("tags.Tier") == tier {
			return s
		}
	}
	return &graph.Resource{Inputs: graph.Props{}}
}

// front is what stands before the VPC.
func (d *drawing) front(centre int) {
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
	d.box(centre-170, 78, 340, 66, "edge", "CloudFront", lines...)
	d.arrow(centre, 44, centre, 78, "HTTPS", centre+8, 64)
}

func (d *drawing) gateway(zone string, x, top int) {
	for _, nat := range d.graph.OfType(awstype.NATGateway) {
		if nat.Inputs.Str("subnetId") == d.subnet(zone, "public").ID {
			d.box(x+24, top+24, columnWidth-48, 44, "thing", "NAT gateway", "way out, with a fixed address")
		}
	}
}

func (d *drawing) nodesHeight() int {
	return nodesHeight + lineHeight*len(d.graph.OfType(awstype.NodeGroup))
}

// nodes are in every zone; which of them has how many is EKS's business.
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
		lines = append(lines, fmt.Sprintf("%s: %v to %v x %s", strings.TrimPrefix(group.Name, "cluster-nodes-"), least, most, kind))
	}
	if len(lines) > 0 {
		d.box(x+24, top+nodesOffset, columnWidth-48, d.nodesHeight(), "thing", "nodes, in all zones together", append(lines, "pods of the application")...)
	}
}

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
		d.box(x+16+width+10, top+storeOffset, width, 66, "thing", cache.Inputs.Str("engine")+" "+cache.Inputs.Str("engineVersion"), strings.TrimPrefix(cache.Inputs.Str("nodeType"), "cache."), members(zone, len(d.zones), int(nodes)))
	}
}

// members says which nodes of a cache are in a zone: ElastiCache deals them out.
func members(zone, zones, nodes int) string {
	here := (nodes - zone + zones - 1) / zones
	if here == 1 {
		return fmt.Sprintf("1 node of %d", nodes)
	}
	return fmt.Sprintf("%d nodes of %d", here, nodes)
}

func (d *drawing) balancer(x, y, w int) {
	if len(d.graph.OfType(awstype.LoadBalancer)) > 0 {
		d.box(x, y, w, 42, "edge", "load balancer, internal, in all zones", "to pods that are ready")
	}
}

// side is what belongs to no zone.
func (d *drawing) side(x, y int) {
	g := d.graph
	var things []Box
	add := func(title string, lines ...string) {
		things = append(things, Box{Title: title, Lines: lines})
	}
	if cluster := first(g, awstype.EKSCluster); len(g.OfType(awstype.EKSCluster)) > 0 {
		access := "private endpoint"
		if cluster.Inputs.Flag("vpcConfig.endpointPublicAccess") {
			access = "endpoint open to " + cluster.Inputs.Str("vpcConfig.publicAccessCidrs[0]")
			if more := len(cluster.Inputs.Strs("vpcConfig.publicAccessCidrs")) - 1; more > 0 {
				access = fmt.Sprintf("endpoint open to %d ranges", more+1)
			}
		}
		add("EKS "+cluster.Inputs.Str("version"), access)
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

func (d *drawing) arrow(x1, y1, x2, y2 int, label string, lx, ly int) {
	d.picture.Arrows = append(d.picture.Arrows, Arrow{x1, y1, x2, y2, label, lx, ly})
}

// ways draws the flows between what is in the picture.
func (d *drawing) ways(vpcTop, privateTop, dataTop int) {
	ports := map[string]string{}
	for _, f := range d.picture.Flows {
		ports[f.From+">"+f.To] = f.Ports
	}
	if p, ok := ports["CloudFront>load balancer"]; ok && len(d.graph.OfType(awstype.LoadBalancer)) > 0 {
		// Between the first two zones, past what is in them.
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

// flows lists every connection that the security groups of a graph let in.
func flows(g *graph.Graph) []Flow {
	names := map[string]string{}
	for _, group := range g.OfType(awstype.SecurityGroup) {
		names[group.ID] = group.Name
	}
	for name, token := range map[string]string{"load balancer": awstype.LoadBalancer, "database": awstype.DBInstance, "cache": awstype.ReplicationGroup} {
		for _, r := range g.OfType(token) {
			for _, id := range slices.Concat(r.Inputs.Strs("securityGroups"), r.Inputs.Strs("vpcSecurityGroupIds"), r.Inputs.Strs("securityGroupIds")) {
				names[id] = name
			}
		}
	}
	for _, r := range g.OfType(awstype.VPCEndpoint) {
		for _, id := range r.Inputs.Strs("securityGroupIds") {
			names[id] = "VPC endpoints"
		}
	}
	for _, cluster := range g.OfType(awstype.EKSCluster) {
		names[cluster.Outputs.Str("vpcConfig.clusterSecurityGroupId")] = "nodes"
	}
	var all []Flow
	for _, r := range g.OfType(awstype.IngressRule) {
		from := names[r.Inputs.Str("referencedSecurityGroupId")]
		switch {
		case from != "":
		case r.Inputs.Str("prefixListId") != "":
			// The one list that the program uses is CloudFront's.
			from = "CloudFront"
		default:
			from = r.Inputs.Str("cidrIpv4") + r.Inputs.Str("cidrIpv6")
		}
		low, _ := r.Inputs.Num("fromPort")
		high, _ := r.Inputs.Num("toPort")
		ports := fmt.Sprintf("%s %v", r.Inputs.Str("ipProtocol"), low)
		if low != high {
			ports += fmt.Sprintf("-%v", high)
		}
		all = append(all, Flow{from, names[r.Inputs.Str("securityGroupId")], ports, r.Inputs.Str("description")})
	}
	slices.SortFunc(all, func(a, b Flow) int { return strings.Compare(a.From+a.To+a.Ports, b.From+b.To+b.Ports) })
	return all
}
