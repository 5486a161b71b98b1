//! SSH_ASKPASS for tests: passes ssh's prompt to the test on a Unix socket and prints what the test answers.
#![forbid(unsafe_code)]

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;

fn main() -> std::io::Result<()> {
    let prompt = std::env::args().nth(1).unwrap_or_default();
    let path = std::env::var_os("OTPOST_ASKPASS").ok_or(std::io::ErrorKind::NotFound)?;
    let mut test = UnixStream::connect(path)?;
    test.write_all(prompt.as_bytes())?;
    test.shutdown(Shutdown::Write)?;
    let mut answer = Vec::new();
    test.read_to_end(&mut answer)?;
    answer.push(b'\n');
    std::io::stdout().write_all(&answer)
}
