//! Whatever administrators may ask, otpostctl can ask: every variant of the wire's enum has code and a command line.
#![expect(clippy::unwrap_used, reason = "test")]

mod common;

use std::{collections::BTreeSet, fs, path::Path};

use otpost_ipc::admin::AdminOp;

use common::{Runner, Scratch, replies::daemon};

const WIRE: &str = include_str!("../../ipc/src/admin.rs");

/// A command line for each variant. A new variant without a row here fails the test.
const LINES: [(&str, &str); 74] = [
    ("Status", "status"),
    ("UserAdd", "user add alice --no-password"),
    ("UserSet", "user set alice --no-email"),
    ("UserShow", "user show alice"),
    ("UserList", "user list"),
    ("UserRemove", "user remove alice"),
    ("UserLock", "user lock alice"),
    ("UserUnlock", "user unlock alice"),
    ("UserBypass", "user bypass alice"),
    ("UserBind", "user bind alice vpn"),
    ("UserUnbind", "user unbind alice vpn"),
    ("TokenAdd", "token add alice +61491570156"),
    ("TokenList", "token list alice"),
    ("TokenSet", "token set 01 --name home"),
    ("TokenRemove", "token remove 01"),
    ("ResourceAdd", "resource add vpn"),
    ("ResourceSet", "resource set vpn --tries 3"),
    ("ResourceShow", "resource show vpn"),
    ("ResourceList", "resource list"),
    ("ResourceRemove", "resource remove vpn"),
    (
        "RadiusClientAdd",
        "radius client add fw --network 192.0.2.1 --resource vpn",
    ),
    ("RadiusClientSet", "radius client set fw --resource vpn"),
    ("RememberedList", "user remembered alice"),
    ("RememberedRevoke", "user forget alice"),
    ("AccountingList", "radius sessions"),
    ("RadiusClientList", "radius client list"),
    ("RadiusClientRemove", "radius client remove fw"),
    ("SourceAdd", "source add corp --kind ldap --config source.toml"),
    ("SourceSet", "source set corp --config source.toml"),
    ("SourceList", "source list"),
    ("SourceRemove", "source remove corp"),
    ("SourceTest", "source test corp alice --password-file -"),
    (
        "SmsProviderAdd",
        "sms provider add inbox --kind file --path inbox.jsonl",
    ),
    ("SmsProviderList", "sms provider list"),
    ("SmsProviderSet", "sms provider set inbox --enabled no"),
    ("SmsProviderRemove", "sms provider remove inbox"),
    ("SmsSendTest", "sms send-test +61491570156"),
    ("SmsPolicyShow", "sms limits"),
    ("SmsPolicySet", "sms pause"),
    ("SmsMessages", "sms messages"),
    ("LoginExplain", "login explain alice@sshd"),
    ("AuditTail", "audit tail"),
    ("UserFind", "user find --state locked"),
    ("UserSessions", "user sessions alice"),
    ("UserSignOut", "user sign-out alice"),
    ("UserOneDayCode", "user one-day-code alice"),
    ("UserRecovery", "user recovery-codes alice"),
    ("UserInvite", "user invite alice vpn"),
    ("ImportPut", "user import - --dry-run"),
    ("ImportPlan", "user import - --dry-run"),
    ("ImportApply", "user import - --yes"),
    ("ImportShow", "user import - --yes"),
    ("TokenFind", "token find"),
    ("EnrolStart", "enrol start alice vpn +61491570156"),
    ("EnrolFinish", "enrol finish e1"),
    ("EnrolStatus", "enrol status e1"),
    ("EnrolCancel", "enrol cancel e1"),
    ("AdminAdd", "admin add mara --role owner"),
    ("AdminSet", "admin set mara --lock"),
    ("AdminReset", "admin reset mara"),
    ("AdminList", "admin list"),
    ("AdminRemove", "admin remove mara"),
    ("SetupLink", "setup-link"),
    ("ApiKeyAdd", "api-key add sync --role admin"),
    ("ApiKeyList", "api-key list"),
    ("ApiKeyRemove", "api-key remove sync"),
    ("MailShow", "mail show"),
    ("MailSet", "mail set --off"),
    ("MailTest", "mail test mara@example.com"),
    ("PortalShow", "portal show"),
    ("PortalSet", "portal set --email-codes yes"),
    ("Overview", "overview"),
    ("AuditFind", "audit find"),
    ("AuditVerify", "audit verify"),
];

/// Names of the variants of `enum AdminOp` in the source of the wire contract.
fn variants(source: &str) -> BTreeSet<&str> {
    let (_, block) = source.split_once("pub enum AdminOp {\n").unwrap();
    let (block, _) = block.split_once("\n}\n").unwrap();
    block
        .lines()
        .filter_map(|line| line.strip_prefix("    "))
        .filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase()))
        .map(name)
        .collect()
}

/// The identifier at the beginning.
fn name(text: &str) -> &str {
    let end = text
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    text.split_at(end).0
}

fn variant(op: &AdminOp) -> String {
    name(&format!("{op:?}")).to_owned()
}

/// Variants that the sources of the commands name.
fn constructed(sources: &str) -> BTreeSet<&str> {
    sources.split("AdminOp::").skip(1).map(name).collect()
}

/// The commands as written, without their tests.
fn sources() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/commands");
    let mut all = String::new();
    for entry in fs::read_dir(folder).unwrap() {
        let source = fs::read_to_string(entry.unwrap().path()).unwrap();
        all.push_str(source.split("#[cfg(test)]").next().unwrap());
    }
    all
}

#[test]
fn every_request_is_built_by_a_command() {
    let sources = sources();
    let built = constructed(&sources);
    let all = variants(WIRE);
    let missing: Vec<&&str> = all.difference(&built).collect();
    assert!(
        missing.is_empty(),
        "no command of otpostctl asks for {missing:?}; add one to src/commands"
    );
}

#[test]
fn every_request_has_a_command_line_that_makes_it() {
    let rows: BTreeSet<&str> = LINES.iter().map(|(variant, _)| *variant).collect();
    assert_eq!(rows, variants(WIRE), "a row for each variant, and no other");
    let scratch = Scratch::new();
    for (wanted, line) in LINES {
        let daemon = daemon();
        let file = scratch.path("inbox.jsonl");
        let toml = scratch.path("source.toml");
        fs::write(&toml, "urls = [\"ldaps://dc1.corp.example\"]\n").unwrap();
        let words: Vec<&str> = line
            .split(' ')
            .map(|word| match word {
                "inbox.jsonl" => file.to_str().unwrap(),
                "source.toml" => toml.to_str().unwrap(),
                word => word,
            })
            .collect();
        let ran = Runner::new(&daemon.socket()).input("login\n123456\n").run(&words);
        assert_eq!(ran.code, 0, "{line}: {ran:?}");
        let asked: Vec<String> = daemon.asked().iter().map(variant).collect();
        assert!(
            asked.iter().any(|asked| asked == wanted),
            "{line} asks {asked:?}, not {wanted}"
        );
    }
}

#[test]
fn a_new_variant_would_be_seen() {
    let all = variants(WIRE);
    assert!(
        all.len() > 60 && all.contains("Status") && all.contains("AuditVerify"),
        "{all:?}"
    );
    let grown = WIRE.replace(
        "    AuditVerify,\n",
        "    AuditVerify,\n    /// New.\n    FaxSend {\n        /// Recipient.\n        to: String,\n    },\n    Beep(Tone),\n",
    );
    let grown = variants(&grown);
    let new: Vec<&&str> = grown.difference(&all).collect();
    assert_eq!(new, [&"Beep", &"FaxSend"]);
    assert_eq!(
        constructed("AdminOp::UserLockAll { } AdminOp::Status, ops"),
        BTreeSet::from(["Status", "UserLockAll"])
    );
}
