// Package secrets creates the secrets of an application in Secrets Manager.
//
// Creates: a key and three secrets: the address of the database, the address of the cache with its password, and the
// key that the application signs its sessions with.
//
// Refuses: application names that make the ARNs of secrets ambiguous, and recovery periods outside the limits of
// Secrets Manager.
//
// Protects: nothing by itself; a protected stack protects the secrets and their key. A deleted secret can be restored
// for as long as the settings say, protected or not.
//
// Owns: the names of the properties in each secret. The password of the database is not among them: RDS keeps and
// rotates it in a secret of its own. Clients read it there, so they get the new password after a rotation.
package secrets
