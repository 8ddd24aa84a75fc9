//! TLS faults (faults 32 to 49): in each case the cause, and that no octet of a credential left.
