//! The command line itself: one definition, help for everything, and what is refused.

mod common;

use clap::{CommandFactory, Parser};
use otpost_ctl::args::Cli;

use common::{Runner, Scratch};

#[test]
fn the_definition_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn every_command_and_option_has_help_that_reads_as_a_sentence() {
    fn walk(command: &clap::Command, path: &str) {
        let path = format!("{path} {}", command.get_name());
        let about = command
            .get_about()
            .unwrap_or_else(|| panic!("{path}: no help"))
            .to_string();
        assert!(
            about.len() > 10 && about.starts_with(char::is_uppercase),
            "{path}: {about}"
        );
        for option in command.get_arguments().filter(|option| !option.is_hide_set()) {
            let id = option.get_id();
            let help = option
                .get_help()
                .unwrap_or_else(|| panic!("{path} {id}: no help"))
                .to_string();
            assert!(
                help.contains(' ') && help.starts_with(char::is_uppercase),
                "{path} {id}: {help}"
            );
        }
        for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
            walk(sub, &path);
        }
    }
    let mut command = Cli::command();
    command.build();
    for sub in command
        .get_subcommands()
        .filter(|sub| sub.get_name() != "help" && !sub.is_hide_set())
    {
        walk(sub, "otpostctl");
    }
}

#[test]
fn help_and_version_are_results() {
    let scratch = Scratch::new();
    let run = |line: &[&str]| Runner::new(&scratch.path("none")).run(line);
    let help = run(&["--help"]);
    assert_eq!((help.code, help.err.as_str()), (0, ""));
    for noun in [
        "user",
        "token",
        "resource",
        "radius",
        "sms",
        "login",
        "status",
        "audit",
        "config",
        "demo",
        "enrol",
        "overview",
        "admin",
        "setup-link",
        "api-key",
        "mail",
        "portal",
    ] {
        assert!(
            help.out.contains(&format!("\n  {noun} ")),
            "{noun} in {}",
            help.out
        );
    }
    assert!(help.out.contains("Exit status") && !help.out.contains("demo-child"));
    let version = run(&["--version"]);
    assert_eq!(version.out, format!("otpostctl {}\n", env!("CARGO_PKG_VERSION")));
    assert_eq!(run(&["radius", "client", "add", "--help"]).code, 0);
}

#[test]
fn good_lines_parse() {
    for line in [
        "user add alice",
        "user add alice --alias al --alias a.l --email a@example.org --resource vpn --password-file -",
        "user set alice --no-email --no-aliases --password",
        "user list",
        "user list ali",
        "user lock alice --why gone",
        "user bypass alice",
        "user bypass alice 72h",
        "user bypass alice --off",
        "user bind alice vpn",
        "user password alice",
        "token add alice +61491570156 --digits 8 --resource vpn",
        "token add alice -",
        "token set 0123 --status blocked --name work",
        "resource add vpn --pam-service sshd --pam-service sudo --validity 5m --region DE --enabled no",
        "resource set vpn --rename VPN",
        "radius client add fw --network 192.0.2.0/24 --network 2001:db8::1 --resource vpn --secret-file f",
        "radius client set fw --message-authenticator off --first-factor stack",
        "radius client set fw --message-authenticator auto --first-factor local,ldap:corp --nas openvpn --flow append",
        "radius client set fw --separator , --limit-proxy-state no --hide-first-factor yes --echo no --no-reply",
        "radius client show fw",
        "radius sessions --user alice --ended --limit 200",
        "user remembered alice",
        "user forget alice --id 0a",
        "user set alice --no-groups",
        "resource set vpn --hours mon-fri@07:00-19:00 --time-zone Europe/Berlin --allow-everywhere --no-exemptions",
        "resource set vpn --remember 8h --no-reply",
        "radius test alice --server [::1]:1812 --secret-file - --password-file -",
        "radius test alice --method eap-gtc",
        "radius test --status --secret-file f",
        "sms provider add inbox --kind file --path inbox.jsonl",
        "sms provider add gw --kind http --config - --priority 2 --sender ACME",
        "sms provider set gw --enabled off",
        "sms send-test +61491570156 --provider gw",
        "sms countries DE,AT",
        "sms countries --add DE --remove AT",
        "user add alice --no-password",
        "resource set vpn --without-pam-service su",
        "sms limits --user-hour 3 --voip yes",
        "login explain alice@sshd --source 192.0.2.1 --channel pam",
        "audit tail -n 5 --follow",
        "config check --daemon a --radius b",
        "demo --once",
        "status --json",
        "user import users.csv --atomic --yes --verbose",
        "user import - --dry-run",
        "user export ali",
        "user find --state no-token --resource vpn",
        "enrol start alice vpn - --digits 6",
        "resource set vpn --allow all --kinds sms,totp,recovery --two-steps",
        "admin set mara --role admin --no-email",
        "mail set --password --port 0 --ca-file -",
        "overview --hours 720",
        "audit find --from 7d --until 2026-09-21 -n 1000",
    ] {
        let words = std::iter::once("otpostctl").chain(line.split(' '));
        if let Err(error) = Cli::try_parse_from(words) {
            panic!("{line}: {error}");
        }
    }
}

#[test]
fn wrong_lines_are_usage_errors_on_standard_error() {
    let scratch = Scratch::new();
    for line in [
        "",
        "user",
        "user set alice",
        "user add alice --no-password --password-file f",
        "user set alice --password --password-file f",
        "sms countries DE --add AT",
        "user bypass alice 73h",
        "user bypass alice 90",
        "user bypass alice 1h --off",
        "token add alice",
        "token add alice +61491570156 --digits 9",
        "token set 0123",
        "resource set vpn",
        "resource add vpn --failed-attempts 2",
        "resource add vpn --validity 11m",
        "resource add vpn --unenrolled maybe",
        "radius client add fw --resource vpn",
        "radius client set fw",
        "radius client set fw --message-authenticator optional",
        "radius client set fw --nas cisco",
        "radius client set fw --flow ask",
        "radius client set fw --separator , --no-separator",
        "radius client set fw --prompt-length 19",
        "radius client set fw --source user-name",
        "radius client show",
        "radius test",
        "radius test alice --status",
        "radius test alice --method md5",
        "radius sessions --limit 201",
        "resource set vpn --remember 25h",
        "resource set vpn --remember 90s",
        "resource set vpn --exempt-user a --no-exemptions",
        "user set alice --group a --no-groups",
        "sms provider add x --kind http",
        "sms provider add x --kind file",
        "sms provider add x --kind file --path p --config c",
        "sms provider add x --kind pigeon --path p",
        "sms provider set x",
        "sms messages -n 201",
        "audit tail -n 0",
        "login explain alice@sshd --source example.org",
        "frobnicate",
        "user import",
        "user import f --dry-run --yes",
        "user find --state asleep",
        "enrol start alice vpn",
        "enrol start alice vpn +61491570156 --digits 7",
        "enrol finish e1 012345",
        "resource set vpn --allow everything",
        "resource set vpn --kinds fax",
        "resource set vpn --otp-length 7",
        "resource set vpn --one-step --two-steps",
        "resource set vpn --self-service-address a --no-self-service",
        "admin add mara",
        "admin add mara --role root",
        "admin set mara",
        "admin set mara --lock --unlock",
        "api-key add sync",
        "api-key add sync --role admin --days 0",
        "mail set",
        "mail set --host h --off",
        "portal set",
        "overview --hours 721",
        "audit find --from yesterday",
    ] {
        let words: Vec<&str> = line.split(' ').filter(|word| !word.is_empty()).collect();
        let ran = Runner::new(&scratch.path("none")).run(&words);
        assert_eq!(ran.code, 2, "{line}: {ran:?}");
        assert!(ran.out.is_empty() && !ran.err.is_empty(), "{line}: {ran:?}");
    }
}

#[test]
fn no_option_takes_a_secret_as_its_value() {
    fn walk(command: &clap::Command, path: &str) {
        let path = format!("{path} {}", command.get_name());
        for option in command.get_arguments() {
            let id = option.get_id().as_str();
            let secret = id.contains("password")
                || id.contains("secret")
                || id.contains("code") && !id.contains("codes");
            if secret && option.get_action().takes_values() {
                assert!(id.ends_with("_file"), "{path} {id} takes a secret");
            }
        }
        for sub in command.get_subcommands() {
            walk(sub, &path);
        }
    }
    walk(&Cli::command(), "");
    let scratch = Scratch::new();
    for line in [
        ["user", "add", "alice", "--password", "hunter22"].as_slice(),
        &["user", "add", "alice", "--password=hunter22"],
        &["user", "password", "alice", "hunter22"],
        &["radius", "client", "set", "fw", "--secret", "hunter22"],
        &["radius", "client", "set", "fw", "--secret=hunter22"],
        &["radius", "test", "alice", "hunter22"],
        &["mail", "set", "--password", "hunter22"],
        &["enrol", "finish", "e1", "012345"],
    ] {
        assert_eq!(Runner::new(&scratch.path("none")).run(line).code, 2, "{line:?}");
    }
}
