//! An authenticator app (RFC 6238), by Python's own HMAC.
#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::process::Command;

use crate::command::run;

const SCRIPT: &str = "\
import base64, hmac, struct, sys, time
secret = sys.argv[1].replace(' ', '').upper()
key = base64.b32decode(secret + '=' * (-len(secret) % 8))
mac = hmac.digest(key, struct.pack('>Q', int(time.time()) // 30 + int(sys.argv[2])), 'sha1')
at = mac[-1] & 15
print('%06d' % ((struct.unpack('>I', mac[at:at + 4])[0] & 0x7fffffff) % 10**6))
";

/// What the app shows, or will show `ahead` steps of 30 s later.
///
/// # Panics
/// Without Python, or when the secret is no base 32.
#[must_use]
pub fn code(secret: &str, ahead: i64) -> String {
    let ended = run(Command::new("python3").args(["-c", SCRIPT, secret, &ahead.to_string()]));
    let code = ended.status.success().then(|| ended.out.trim().to_owned());
    code.expect("python3 and a secret")
}
