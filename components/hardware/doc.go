// Package hardware has what AWS offers in which region and at what price: EC2 instance types, RDS classes for
// PostgreSQL and ElastiCache node types. The rows are in types.txt, which says where they are from.
package hardware
