// Package secrets keeps what an application must know and nobody else may, in Secrets Manager.
//
// Creates: a key of its own and three secrets: where the database is, where the cache is and how to authenticate to it,
// and the key that the application signs its sessions with.
//
// Refuses: names whose ARNs Secrets Manager would confuse.
//
// Protects: the key, when asked to.
//
// Owns: the names of the properties inside each secret. The database's password is not among them: RDS keeps it in a
// secret of its own and rotates it, and clients read it there, so that a rotation reaches them by itself.
package secrets
