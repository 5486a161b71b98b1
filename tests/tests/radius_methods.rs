//! Codes by CHAP, MS-CHAPv2 and EAP-GTC through otpost-radius: by wpa_supplicant's eapol_test, and by otpostctl, which checks what the
//! server proves in return.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use otpost_ipc::admin::ClientSet;
use otpost_tests::pamstack::{target_dir, wait_for};
use otpost_tests::radclient;
use otpost_tests::stack::{PASSWORD, SECRET, Stack};

fn set(stack: &Stack, flow: &str, eap: bool) {
    let set = ClientSet {
        flow: Some(flow.to_owned()),
        eap: Some(eap),
        ..ClientSet::default()
    };
    stack.client_set("gw", (flow == "code-only").then_some("stack"), set);
}

/// Has a text sent and gives its code.
fn texted(stack: &Stack, before: usize) -> String {
    let reply = radclient::ask(stack.address(), SECRET, &radclient::password("alice", "sms"), 5);
    assert!(reply.is("Access-Challenge"), "{reply:?}");
    stack.text_after(before).code()
}

fn file(stack: &Stack, name: &str, text: &str) -> PathBuf {
    let path = stack.dir().join(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path
}

/// One login by wpa_supplicant's EAP-GTC.
fn eapol(stack: &Stack, password: &str) -> Output {
    let network = format!(
        "network={{\n key_mgmt=IEEE8021X\n eap=GTC\n identity=\"alice\"\n password=\"{password}\"\n}}\n"
    );
    let config = file(stack, "eapol.conf", &network);
    let address = stack.address();
    Command::new("eapol_test")
        .arg("-c")
        .arg(config)
        .args(["-a", &address.ip().to_string(), "-p", &address.port().to_string()])
        // GTC makes no keys.
        .args(["-s", SECRET, "-t", "10", "-r", "0", "-n"])
        .output()
        .unwrap()
}

/// `otpostctl radius test`, with what is typed at its prompt made once it has asked.
fn test(stack: &Stack, method: &str, password: &str, typed: impl FnOnce() -> String) -> (bool, String) {
    let mut child = Command::new(target_dir().join("otpostctl"))
        .args(["radius", "test", "alice"])
        .args(["--server", &stack.address().to_string(), "--method", method])
        .arg("--secret-file")
        .arg(file(stack, "secret", SECRET))
        .arg("--password-file")
        .arg(file(stack, "password", password))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let typed = typed();
    let mut stdin = child.stdin.take().unwrap();
    // Where nothing is asked it may be gone already.
    let _ = stdin.write_all(format!("{typed}\n").as_bytes());
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.success(), said)
}

#[test]
fn s45_eapol_test_gives_a_code_by_eap_gtc() {
    let stack = Stack::vpn();
    set(&stack, "code-only", true);
    let code = texted(&stack, 0);
    let wrong: String = code.chars().map(|c| if c == '0' { '1' } else { '0' }).collect();
    let refused = eapol(&stack, &wrong);
    let said = String::from_utf8_lossy(&refused.stdout);
    assert!(!refused.status.success(), "{said}");
    assert!(said.contains("EAP: Received EAP-Failure"), "{said}");
    let accepted = eapol(&stack, &code);
    let said = String::from_utf8_lossy(&accepted.stdout);
    assert!(said.contains("EAP: Received EAP-Success"), "{said}");
    assert!(accepted.status.success(), "{said}");
    assert!(!eapol(&stack, &code).status.success(), "once");
    assert_eq!(stack.settled(), 1);
}

#[test]
fn eap_is_refused_where_the_client_entry_has_it_off() {
    let stack = Stack::vpn();
    set(&stack, "code-only", false);
    let refused = eapol(&stack, &texted(&stack, 0));
    assert!(!refused.status.success());
    // It is recorded after the answer.
    wait_for("the audit row", || {
        let recorded = stack.reasons().contains(&"method-unsupported".to_owned());
        recorded.then_some(())
    });
}

#[test]
fn password_then_code_by_eap_gtc() {
    let stack = Stack::vpn();
    set(&stack, "challenge", true);
    let (passed, said) = test(&stack, "eap-gtc", PASSWORD, || stack.text_after(0).code());
    assert!(passed, "{said}");
    let (passed, said) = test(&stack, "eap-gtc", "not the password", String::new);
    assert!(!passed, "{said}");
    assert_eq!(stack.settled(), 1);
}

#[test]
fn s44_ms_chap_v2_proves_a_code_and_the_server_proves_that_it_knows_it() {
    let stack = Stack::vpn();
    set(&stack, "code-only", false);
    let code = texted(&stack, 0);
    let (passed, said) = test(&stack, "mschapv2", "000000", String::new);
    assert!(!passed, "{said}");
    let (passed, said) = test(&stack, "mschapv2", &code, String::new);
    assert!(passed, "{said}");
    assert!(said.contains("MS-MPPE-Send-Key"), "{said}");
}

#[test]
fn s47_ms_chap_v2_cannot_prove_a_password_that_is_kept_as_a_hash() {
    let stack = Stack::vpn();
    let (passed, said) = test(&stack, "mschapv2", PASSWORD, String::new);
    assert!(!passed, "{said}");
    assert!(stack.reasons().contains(&"needs-pap".to_owned()));
    assert_eq!(stack.settled(), 0);
}
