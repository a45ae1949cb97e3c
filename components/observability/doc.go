// Package observability tells people when something is wrong.
//
// Creates: an SNS topic with a key and a policy of its own, and e-mail subscriptions; alarms for the edge, the cluster,
// its nodes and operators, NAT gateways, database, cache and schedules; metric filters of the container log; RDS event
// notifications; a dashboard; a monthly budget. CloudFront reports to us-east-1, so its alarms and their topic are
// there. With working hours, it creates the schedules that disable and enable alarm actions.
//
// Refuses: thresholds that no metric or every metric crosses, addresses that are not e-mail addresses, and a budget
// below one dollar.
//
// Protects: nothing by itself; a protected stack protects the keys of the topics. Everything else can be created again.
//
// Owns: the alarm table (alarms.go) and the dashboard (dashboard.go). Nothing depends on the resources of this package,
// so a change of an alarm affects nothing else.
package observability
