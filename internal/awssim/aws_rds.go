package awssim

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/rds"

	"groundwork/components/hardware"
	"groundwork/internal/awstype"
)

var (
	rdsIdentifier = regexp.MustCompile(`^[a-z](-?[a-z0-9])*$`)
	rdsSnapshot   = regexp.MustCompile(`^[A-Za-z](-?[A-Za-z0-9])*$`)
	rdsDatabase   = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,62}$`)
	rdsUser       = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,15}$`)
	rdsReserved   = []string{"admin", "postgres", "rdsadmin"}
)

// States of a database.
const (
	available = "available"
	stopped   = "stopped"
)

var databaseTypes = map[string]Type{
	awstype.DBSubnetGroup: {
		Args:     rds.SubnetGroupArgs{},
		Required: []string{"subnetIds"},
		Refs:     []Ref{{Path: "subnetIds", Type: awstype.Subnet, Blocks: true, Code: "InvalidSubnet"}},
		Taken:    "DBSubnetGroupAlreadyExists",
		ID:       fromName("name"),
		Outputs:  func(s Site, id string, _ Props) Props { return Props{"arn": s.arn("rds", "subgrp:"+id)} },
		Created:  subnetGroupCreated,
		Updated:  subnetGroupUpdated,
	},
	awstype.DBParameterGroup: {
		Args:  rds.ParameterGroupArgs{},
		Taken: "DBParameterGroupAlreadyExists",
		ID: func(in Props, digest string) string {
			if in.Has("name") {
				return in.Str("name")
			}
			return in.Str("namePrefix") + digest[:26]
		},
		Check:   checkParameterGroup,
		Outputs: func(s Site, id string, _ Props) Props { return Props{"arn": s.arn("rds", "pg:"+id), "name": id} },
	},
	awstype.DBInstance: {
		Args: rds.InstanceArgs{},
		Refs: []Ref{
			{
				Path: "dbSubnetGroupName", Type: awstype.DBSubnetGroup, By: "name",
				Blocks: true, Code: "DBSubnetGroupNotFoundFault",
			},
			{
				Path: "parameterGroupName", Type: awstype.DBParameterGroup, By: "name",
				Blocks: true, Code: "DBParameterGroupNotFound",
			},
			{
				Path: "vpcSecurityGroupIds", Type: awstype.SecurityGroup,
				Blocks: true, Code: "InvalidVPCNetworkStateFault",
			},
			{Path: "kmsKeyId", Type: awstype.Key, By: "arn", Code: "KMSKeyNotAccessibleFault"},
			{Path: "performanceInsightsKmsKeyId", Type: awstype.Key, By: "arn", Code: "KMSKeyNotAccessibleFault"},
			{Path: "monitoringRoleArn", Type: awstype.Role, By: "arn"},
		},
		Taken:   "DBInstanceAlreadyExists",
		ID:      func(_ Props, digest string) string { return "db-" + strings.ToUpper(digest[:26]) },
		Check:   checkInstance,
		Outputs: instanceOutputs,
		Created: instanceCreated,
		Updated: instanceUpdated,
		Changed: instanceChanged,
		Deleted: instanceDeleted,
	},
	awstype.DBEventSubscription: {
		Args: rds.EventSubscriptionArgs{},
		Refs: []Ref{
			{Path: "snsTopic", Type: awstype.Topic, By: "arn", Code: "SNSTopicArnNotFound"},
			{Path: "sourceIds", Type: awstype.DBInstance, By: "identifier", Code: "SourceNotFound"},
		},
		Taken:   "SubscriptionAlreadyExist",
		ID:      fromName("name"),
		Outputs: func(s Site, id string, _ Props) Props { return Props{"arn": s.arn("rds", "es:"+id)} },
	},
}

func subnetGroupCreated(c *Cloud, o *Object) error {
	if zones := c.zonesOf(o.State.Strs("subnetIds")); len(zones) < 2 {
		return apiError("DBSubnetGroupDoesNotCoverEnoughAZs: the subnets cover %d zone(s), two are needed", len(zones))
	}
	return nil
}

func checkParameterGroup(in Props) []Failure {
	var f []Failure
	failIf(&f, in.Has("family") && !strings.HasPrefix(in.Str("family"), "postgres"),
		"family", "the sandbox knows the postgres families only, not %q", in.Str("family"))
	return f
}

func checkInstance(in Props) []Failure {
	var f []Failure
	id := in.Str("identifier")
	failIf(&f, id != "" && (!rdsIdentifier.MatchString(id) || len(id) > 63),
		"identifier", "%q is not an instance identifier", id)
	failIf(&f, mismatch(in, "dbName", rdsDatabase), "dbName", "%q is not a database name", in.Str("dbName"))
	failIf(&f, mismatch(in, "username", rdsUser), "username", "%q is not a user name", in.Str("username"))
	failIf(&f, slices.Contains(rdsReserved, in.Str("username")),
		"username", "%q is a reserved word", in.Str("username"))
	class := in.Str("instanceClass")
	_, known := hardware.Find(hardware.RDS, class)
	failIf(&f, class != "" && !known,
		"instanceClass", "InvalidParameterCombination: RDS does not support %s here", class)
	failIf(&f, outOfRange(in, "port", 1150, 65535), "port", "is outside 1150 to 65535")
	failIf(&f, outOfRange(in, "allocatedStorage", 20, 65536), "allocatedStorage", "is outside 20 to 65536 GiB")
	checkInstanceMonitoring(&f, in)
	failIf(&f, in.Flag("manageMasterUserPassword") && in.Get("password") != nil,
		"password", "does not go with manageMasterUserPassword")
	failIf(&f, in.Get("skipFinalSnapshot") != true && in.Get("finalSnapshotIdentifier") == nil,
		"finalSnapshotIdentifier", "is required when skipFinalSnapshot is false")
	snapshot := in.Str("finalSnapshotIdentifier")
	failIf(&f, snapshot != "" && (!rdsSnapshot.MatchString(snapshot) || len(snapshot) > 255),
		"finalSnapshotIdentifier", "%q is not a snapshot identifier", snapshot)
	failIf(&f, in.Flag("multiAz") && in.Has("availabilityZone"), "availabilityZone", "does not go with multiAz")
	checkInsights(&f, in)
	return f
}

func checkInstanceMonitoring(f *[]Failure, in Props) {
	interval, ok := in.Num("monitoringInterval")
	failIf(f, ok && interval > 0 && in.Get("monitoringRoleArn") == nil,
		"monitoringRoleArn", "is needed with a monitoring interval")
}

func checkInsights(f *[]Failure, in Props) {
	retention, ok := in.Num("performanceInsightsRetentionPeriod")
	failIf(f, ok && retention != 7 && retention != 731 && int(retention)%31 != 0,
		"performanceInsightsRetentionPeriod", "is not 7, 731 or a multiple of 31")
	failIf(f, in.Str("databaseInsightsMode") == "advanced" && retention < 465,
		"performanceInsightsRetentionPeriod", "must be 465 or more with advanced insights")
}

func instanceOutputs(s Site, id string, in Props) Props {
	host := fmt.Sprintf("%s.c0sandbox.%s.rds.amazonaws.com", in.Str("identifier"), s.Region)
	port := 5432.0
	if n, ok := in.Num("port"); ok {
		port = n
	}
	out := Props{
		"arn":                 s.arn("rds", "db:"+in.Str("identifier")),
		"address":             host,
		"endpoint":            fmt.Sprintf("%s:%d", host, int(port)),
		"port":                port,
		"resourceId":          id,
		"engineVersionActual": in.Str("engineVersion") + ".18",
		"hostedZoneId":        "Z0SANDBOX",
	}
	if in.Flag("manageMasterUserPassword") {
		out["masterUserSecrets"] = []any{map[string]any{
			"secretArn":    s.arn("secretsmanager", "secret:rds!db-"+strings.ToLower(id[3:23])+"-"+"Ab3dEf"),
			"secretStatus": "active",
			"kmsKeyId":     in.Str("masterUserSecretKmsKeyId"),
		}}
	}
	return out
}

func instanceCreated(c *Cloud, o *Object) error {
	o.State["status"] = available
	if err := errors.Join(instanceChanged(c, o), c.refuseClass(o.State)); err != nil {
		return err
	}
	group := c.find(Ref{Type: awstype.DBParameterGroup, By: "name"}, o.State.Str("parameterGroupName"))
	if group != nil && group.State.Str("family") != o.State.Str("engine")+o.State.Str("engineVersion") {
		return apiError("InvalidParameterCombination: the parameter group's family %s is not that of %s %s",
			group.State.Str("family"), o.State.Str("engine"), o.State.Str("engineVersion"))
	}
	c.ensureInstanceLogGroups(o)
	if interval, _ := o.State.Num("monitoringInterval"); interval > 0 {
		c.ensureLogGroup("RDSOSMetrics", "RDS, for all databases of the account,")
	}
	return nil
}

// ensureInstanceLogGroups creates the log groups that an instance exports to, as RDS does while the instance exists.
func (c *Cloud) ensureInstanceLogGroups(o *Object) {
	for _, log := range o.State.Strs("enabledCloudwatchLogsExports") {
		c.ensureLogGroup("/aws/rds/instance/"+o.State.Str("identifier")+"/"+log, "RDS")
	}
}

// notSent are the inputs of which RDS is not told by themselves: the provider uses them with a new version or a
// deletion. Source: resourceInstanceUpdate of terraform-provider-aws, HasChangesExcept.
var notSent = []string{
	"allowMajorVersionUpgrade", "deleteAutomatedBackups", "finalSnapshotIdentifier", "skipFinalSnapshot",
}

// instanceUpdated refuses what RDS refuses: a change of a stopped instance other than of its tags and of what is not
// sent, an older engine version, a major upgrade that is not allowed, and a smaller volume.
func instanceUpdated(c *Cloud, o *Object, after Props) error {
	before := o.State
	if err := c.refuseClass(after); err != nil {
		return err
	}
	if before.Str("status") == stopped && slices.ContainsFunc(Diff(o.Type, before, after), func(c Change) bool {
		return !slices.Contains(notSent, c.Property) && !strings.HasPrefix(c.Property, "tags")
	}) {
		return apiError("InvalidDBInstanceState: Database instance %s is not in available state", before.Str("identifier"))
	}
	from, to := before.Str("engineVersion"), after.Str("engineVersion")
	if to < from {
		return apiError("InvalidParameterCombination: cannot downgrade from %s to %s", from, to)
	}
	if to != from && !after.Flag("allowMajorVersionUpgrade") {
		return apiError("InvalidParameterCombination: " +
			"The AllowMajorVersionUpgrade flag must be present when upgrading to a new major version.")
	}
	had, _ := before.Num("allocatedStorage")
	if wanted, ok := after.Num("allocatedStorage"); ok && wanted < had {
		return apiError("InvalidParameterCombination: allocated storage cannot shrink from %v to %v GiB", had, wanted)
	}
	return nil
}

// instanceChanged gives the instance and its standby their zones.
func instanceChanged(c *Cloud, o *Object) error {
	number := 1
	if o.State.Flag("multiAz") {
		number = 2
	}
	c.place(o, awstype.DBSubnetGroup, o.State.Str("dbSubnetGroupName"), number)
	return nil
}

// refuseClass returns RDS's error for a class that the region does not have.
func (c *Cloud) refuseClass(in Props) error {
	class := in.Str("instanceClass")
	kind, _ := hardware.Find(hardware.RDS, class)
	if _, offered := kind.Price(c.Site.Region); class != "" && !offered {
		return apiError("InvalidParameterCombination: RDS does not support a DB instance with the following combination: "+
			"DBInstanceClass=%s, Engine=postgres", class)
	}
	return nil
}

// instanceDeleted refuses to delete a protected instance, and takes the final snapshot.
func instanceDeleted(c *Cloud, o *Object) error {
	if o.State.Flag("deletionProtection") {
		return apiError("InvalidParameterCombination: " +
			"Cannot delete protected DB Instance, please disable deletion protection and try again.")
	}
	c.ensureInstanceLogGroups(o)
	if o.State.Flag("skipFinalSnapshot") {
		return nil
	}
	if o.State.Str("status") == stopped {
		return apiError("InvalidDBInstanceState: Cannot create a snapshot because "+
			"the database instance %s is not currently in the available state", o.State.Str("identifier"))
	}
	snapshot := "database snapshot " + o.State.Str("finalSnapshotIdentifier")
	if _, taken := c.left[snapshot]; taken {
		return apiError("DBSnapshotAlreadyExists: %s", snapshot)
	}
	c.finals = append(c.finals, o.State.Str("finalSnapshotIdentifier"))
	c.leave(snapshot, "the final snapshot, kept until you delete it, readable as long as its KMS key exists")
	return nil
}

// lookUpInstance answers the data source of a database.
func (c *Cloud) lookUpInstance(in Props) (Props, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	name := in.Str("dbInstanceIdentifier")
	o := c.find(Ref{Type: awstype.DBInstance, By: "identifier"}, name)
	if o == nil {
		return nil, fmt.Errorf("reading RDS DB Instance (%s): couldn't find resource", name)
	}
	return Props{
		"id": name, "dbInstanceIdentifier": name, "dbInstanceArn": o.State.Str("arn"), "resourceId": o.ID,
		"dbInstanceClass": o.State.Str("instanceClass"), "multiAz": o.State.Flag("multiAz"),
		"engine": o.State.Str("engine"), "engineVersion": o.State.Str("engineVersionActual"),
		"allocatedStorage": o.State["allocatedStorage"],
	}, nil
}

// lookUpSnapshot answers the data source of the newest snapshot of a database. The cloud knows final snapshots only.
func (c *Cloud) lookUpSnapshot(in Props) (Props, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	name := in.Str("dbInstanceIdentifier")
	for _, snapshot := range slices.Backward(c.finals) {
		if strings.HasPrefix(snapshot, name+"-") {
			return Props{"id": snapshot, "dbSnapshotIdentifier": snapshot, "dbInstanceIdentifier": name}, nil
		}
	}
	return nil, fmt.Errorf("reading the newest snapshot of %s: Your query returned no results. "+
		"Please change your search criteria and try again", name)
}
