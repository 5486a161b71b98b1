use std::{fs, os::unix::fs::PermissionsExt};

use super::*;
use crate::{
    DaemonConfig, Duration, LogConfig, PermissionError, RadiusConfig,
    daemon::{Environment, KeysConfig},
    secret::tests::Scratch,
};

fn daemon(text: &str) -> Result<DaemonConfig, ConfError> {
    parse(Path::new("daemon.toml"), text)
}

/// What a sysadmin sees.
fn shown(text: &str) -> String {
    daemon(text).unwrap_err().to_string()
}

#[test]
fn an_empty_file_is_valid_and_means_the_defaults() {
    assert_eq!(daemon(""), Ok(DaemonConfig::default()));
    assert_eq!(parse(Path::new("radius.toml"), ""), Ok(RadiusConfig::default()));
    let config = daemon("").unwrap();
    assert_eq!(config.environment, Environment::Production);
    assert_eq!(config.store.path, Path::new("/var/lib/otpost/otpost.db"));
    assert_eq!(
        config.keys.master_key_file,
        Path::new("/var/lib/otpost/master.key")
    );
    assert_eq!(config.outbox.poll, Duration::from_secs(1));
    assert_eq!(config.shutdown_grace, Duration::from_secs(10));
}

#[test]
fn every_key_is_read() {
    let config = daemon(
        "environment = \"development\"\nshutdown-grace = \"2s\"\n[store]\npath = \"/a/b\"\n[keys]\nmaster-key-file = \"/k\"\n\
         master-key-credential = \"master\"\n[sockets]\ndirectory = \"/r\"\nradius-user = \"r\"\nportal-user = \"p\"\n\
         admin-group = \"a\"\nlockers = [\"swaylock\"]\n[log]\nlevel = \"warn,otpost_sms=debug\"\n[passwords]\n\
         memory-kib = 64\npasses = 1\nthreads = 3\n[outbox]\nworkers = 1\npoll = \"50ms\"\n",
    )
    .unwrap();
    assert_eq!(config.environment, Environment::Development);
    assert_eq!(config.sockets.lockers, ["swaylock"]);
    assert_eq!(config.sockets.radius_user.as_deref(), Some("r"));
    assert_eq!(config.passwords.threads, Some(3));
    assert_eq!(config.log.level, "warn,otpost_sms=debug");
    assert_eq!(config.outbox.poll.get(), std::time::Duration::from_millis(50));
}

#[test]
fn an_unknown_key_is_shown_with_its_line_and_the_nearest_known_one() {
    assert_eq!(
        shown("# comment\n[keys]\nmastr-key-file = \"/k\"\n"),
        "daemon.toml:3:1: unknown key `mastr-key-file`\n  |\n3 | mastr-key-file = \"/k\"\n  | ^^^^^^^^^^^^^^\n  \
         = help: did you mean `master-key-file`? known here: `master-key-file`, `master-key-credential`"
    );
}

#[test]
fn a_far_off_key_lists_what_is_known() {
    let text = shown("[outbox]\ncolour = 1\n");
    assert!(text.ends_with("= help: known here: `workers`, `poll`"), "{text}");
    let text = shown("[outbx]\nworkers = 1\n");
    assert!(text.starts_with("daemon.toml:1:2: unknown key `outbx`"), "{text}");
    assert!(text.contains("did you mean `outbox`?"), "{text}");
}

#[test]
fn a_wrong_type_is_shown_under_the_value() {
    assert_eq!(
        shown("[passwords]\n\tpasses = \"two\"\n"),
        "daemon.toml:2:11: wrong type: string \"two\", expected u32\n  |\n2 | \tpasses = \"two\"\n  | \t         ^^^^^\n  \
         = help: write a whole number that is not negative, without quotes"
    );
    let text = shown("[sockets]\nlockers = \"swaylock\"\n");
    assert!(text.contains("write a list of texts in quotes"), "{text}");
    let text = shown("store = \"/var/lib/otpost/otpost.db\"\n");
    assert!(text.contains("this is a section"), "{text}");
    let text = shown("[store]\npath = 5\n");
    assert!(text.contains("write a text in quotes"), "{text}");
}

#[test]
fn a_bad_duration_says_how_to_write_it() {
    assert_eq!(
        shown("shutdown-grace = \"5 minutes\"\n"),
        "daemon.toml:1:18: bad duration \"5 minutes\"\n  |\n1 | shutdown-grace = \"5 minutes\"\n  \
         |                  ^^^^^^^^^^^\n  = help: write \"5m\""
    );
    let text = shown("shutdown-grace = 10\n");
    assert!(text.contains("a duration needs a unit"), "{text}");
    assert!(text.contains("for seconds: \"10s\""), "{text}");
    let text = shown("shutdown-grace = true\n");
    assert!(text.contains("expected a duration such as \"5m\""), "{text}");
}

#[test]
fn senseless_values_are_refused_where_they_stand() {
    for (text, place, help) in [
        ("[outbox]\npoll = \"0s\"\n", "daemon.toml:2:8: ", "\"1s\""),
        ("[outbox]\nworkers = 0\n", "daemon.toml:2:11: ", "from 1 to 1024"),
        ("[outbox]\nworkers = -1\n", "daemon.toml:2:11: ", "not negative"),
        (
            "[passwords]\nthreads = 0\n",
            "daemon.toml:2:11: ",
            "from 1 to 1024",
        ),
        (
            "[passwords]\nmemory-kib = 1\n",
            "daemon.toml:2:14: ",
            "from 64 to",
        ),
        (
            "[log]\nlevel = \"inof\"\n",
            "daemon.toml:2:9: ",
            "off, error, warn",
        ),
        (
            "[log]\nlevel = \"info,otpost_sms\"\n",
            "daemon.toml:2:9: ",
            "off, error, warn",
        ),
        (
            "environment = \"prod\"\n",
            "daemon.toml:1:15: unknown value `prod`",
            "`production`",
        ),
    ] {
        let shown = shown(text);
        assert!(shown.starts_with(place), "{shown}");
        assert!(shown.contains(help), "{shown}");
    }
}

#[test]
fn a_bad_listen_address_is_shown() {
    let error =
        parse::<RadiusConfig>(Path::new("radius.toml"), "listen = [\"localhost:1812\"]\n").unwrap_err();
    let text = error.to_string();
    assert!(text.starts_with("radius.toml:1:11: "), "{text}");
    assert!(text.contains("socket address"), "{text}");
    assert!(text.contains("= help: "), "{text}");
    let error = parse::<RadiusConfig>(Path::new("radius.toml"), "listen = []\n").unwrap_err();
    assert!(error.to_string().contains("at least one address"), "{error}");
}

#[test]
fn a_syntax_error_is_shown_with_its_line() {
    let text = shown("[store]\npath = /var/lib\n");
    assert!(text.starts_with("daemon.toml:2:8: "), "{text}");
    assert!(text.contains("2 | path = /var/lib\n"), "{text}");
    let text = shown("[store]\npath = \"a\"\npath = \"b\"\n");
    assert!(text.contains("duplicate key"), "{text}");
    assert!(text.contains("keep one of the two"), "{text}");
}

#[test]
fn control_characters_of_a_line_do_not_reach_the_terminal() {
    let text = shown("# ok\nx = \"\u{1b}[31m\"\n");
    assert!(!text.contains('\u{1b}'), "{text:?}");
}

#[test]
fn a_file_is_loaded_and_its_name_stands_in_the_error() {
    let scratch = Scratch::new();
    let path = scratch.file("daemon.toml", 0o644, "[log]\nlevel = \"debug\"\n");
    let config: DaemonConfig = load(&path).unwrap();
    assert_eq!(
        config.log,
        LogConfig {
            level: "debug".to_owned()
        }
    );
    let path = scratch.file("broken.toml", 0o644, "x");
    let error = load::<DaemonConfig>(&path).unwrap_err().to_string();
    assert!(error.starts_with(&format!("{}:1:", path.display())), "{error}");
}

#[test]
fn files_that_cannot_be_used_say_why() {
    let scratch = Scratch::new();
    let path = scratch.path("missing.toml");
    assert_eq!(load::<DaemonConfig>(&path), Err(ConfError::Missing { path }));
    let path = scratch.file("latin1.toml", 0o644, b"# ok\n# Gr\xfc\xdfe\n");
    assert_eq!(
        load::<DaemonConfig>(&path),
        Err(ConfError::NotUtf8 { path, line: 2 })
    );
    let path = scratch.file("huge.toml", 0o644, "#".repeat(1024 * 1024 + 1));
    assert!(matches!(
        load::<DaemonConfig>(&path),
        Err(ConfError::TooLarge { .. })
    ));
    let path = scratch.file("open.toml", 0o666, "");
    assert!(matches!(
        load::<DaemonConfig>(&path),
        Err(ConfError::Permissions(PermissionError::TooOpen {
            mode: 0o666,
            ..
        }))
    ));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(load::<DaemonConfig>(&path), Ok(DaemonConfig::default()));
    let directory = scratch.path("");
    assert!(matches!(
        load::<DaemonConfig>(&directory),
        Err(ConfError::Permissions(PermissionError::WrongType { .. }))
    ));
}

#[test]
fn the_master_key_comes_from_the_credential_if_one_is_named() {
    let keys = KeysConfig::default();
    assert_eq!(keys.master_key(None).unwrap().path(), keys.master_key_file);
    let keys = KeysConfig {
        master_key_credential: Some("master-key".to_owned()),
        ..keys
    };
    let directory = Path::new("/run/credentials/otpost.service");
    assert_eq!(
        keys.master_key(Some(directory)).unwrap().path(),
        directory.join("master-key")
    );
    let error = keys.master_key(None).unwrap_err().to_string();
    assert!(error.contains("LoadCredential=master-key:"), "{error}");
}
