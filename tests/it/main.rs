//! Tests against real peers, in one program: a program a file would be linked a dozen times.

mod systemd;
