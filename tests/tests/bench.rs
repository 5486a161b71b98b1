//! The benchmark itself, as short as can be: its peers come up, it counts what it must, and nothing is lost, forged, refused or
//! left behind. How fast anything is, is not looked at.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "test")]

use std::path::Path;
use std::process::Command;
use std::{env, fs};

use otpost_tests::command::run;
use otpost_tests::pamstack::{Sandbox, module_path};
use otpost_tests::stack::Scratch;
use serde_json::Value;

const TOKENS: u64 = 40;
const PAM_LOGINS: i64 = 20;
const PEOPLE: usize = 3;

/// Short settings; figures and report in `place`, so that the real ones stay as they are. A round lasts until its first login
/// ends, however slow the machine is.
fn bench(place: &Path, parts: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_otpost-bench"));
    command
        .args(parts)
        .env("BENCH_TOKENS", TOKENS.to_string())
        .env("BENCH_USERS", "20")
        .env("BENCH_ROUNDS", "1")
        .env("BENCH_SECONDS", "0.3")
        .env("BENCH_WARM_UP", "0.1")
        .env("BENCH_WORK", "0.3")
        .env("BENCH_REST", "0")
        .env("BENCH_WINDOWS", "8")
        .env("BENCH_LOGINS", PAM_LOGINS.to_string())
        .env("BENCH_PARTS", "1")
        .env("BENCH_TRIES", "9")
        .env("BENCH_RATE", "20")
        .env("BENCH_SIGN_INS", "8")
        .env("BENCH_PAGE_SECONDS", "2")
        .env("BENCH_PEOPLE", PEOPLE.to_string())
        .env("BENCH_BROWSERS", "0")
        .env("BENCH_CONFIG", "[passwords]\nmemory-kib = 64\npasses = 1\n")
        .env("BENCH_MODULE", module_path())
        .env("BENCH_PAMLOOP", place.join("pamloop"))
        .env("BENCH_RESULTS", place)
        .env("BENCH_REPORT", place.join("report.md"))
        .env_remove("BENCH_ONLY")
        .env_remove("BENCH_CPU");
    command
}

fn figures(place: &Path, part: &str) -> Value {
    let json = fs::read(place.join(format!("{part}.json"))).unwrap();
    serde_json::from_slice(&json).unwrap()
}

fn list<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    let list = value[field].as_array();
    list.unwrap_or_else(|| panic!("no {field} in {value}"))
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field]
        .as_str()
        .unwrap_or_else(|| panic!("no {field} in {value}"))
}

#[track_caller]
fn number(value: &Value, field: &str, expected: i64) {
    assert_eq!(value[field].as_i64(), Some(expected), "{field} in {value}");
}

#[test]
fn a_short_benchmark_loses_nothing_and_its_report_is_whole() {
    // The bench makes one of its own; without one, or without the peers, it cannot run here.
    let peers = ["freeradius", "cc", "python3"];
    if Sandbox::or_skip(&peers).is_none() {
        return;
    }
    let scratch = Scratch::new();
    let place = scratch.path();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let published = root.join("docs/benchmarks.md");
    let before = fs::read(&published).unwrap();
    let source = root.join("tests/bench/pamloop.c");
    let compiled = run(Command::new("cc")
        .args(["-Wall", "-Wextra", "-Werror", "-o"])
        .arg(place.join("pamloop"))
        .arg(source)
        .arg("-lpam"));
    assert!(compiled.status.success(), "{compiled:?}");

    let ended = run(&mut bench(
        place,
        &["logins", "memory", "pam", "uniform", "report"],
    ));
    assert!(ended.status.success(), "{}", ended.err);
    assert!(!ended.err.contains("not clean"), "{}", ended.err);

    logins(&figures(place, "logins"));
    memory(&figures(place, "memory"));
    pam(&figures(place, "pam"));
    uniform(&figures(place, "uniform"));
    report(&fs::read_to_string(place.join("report.md")).unwrap());
    assert_eq!(
        fs::read(&published).unwrap(),
        before,
        "the published figures stay"
    );
}

fn logins(all: &Value) {
    assert_eq!(all["tokens"].as_u64(), Some(TOKENS));
    let mut seen = Vec::new();
    for row in list(all, "rows") {
        seen.push((text(row, "subject"), row["window"].as_u64().unwrap()));
        let [round] = list(row, "rounds") else {
            panic!("one round: {row}")
        };
        let figures = &round["figures"];
        assert!(figures["logins"].as_u64().unwrap() > 0, "{row}");
        for counter in ["lost", "forged", "refused"] {
            number(figures, counter, 0);
        }
        // Whose processor time it is, is known: a table of the report goes by these names.
        let named = |name: &str| list(round, "cpu").iter().any(|entry| entry[0] == name);
        if text(row, "subject").starts_with("otpost") {
            assert!(
                named("otpostd: store-write") && named("otpost-radius: otpost-radius"),
                "{row}"
            );
        }
    }
    let subjects = [
        "otpost",
        "free-radius-challenge",
        "free-radius-pap",
        "otpost-all-cpus",
    ];
    let expected = subjects.map(|subject| (subject, 8));
    assert_eq!(seen, expected);
}

fn memory(all: &Value) {
    assert_eq!(all["tokens"].as_u64(), Some(TOKENS));
    assert!(all["database"].as_u64().unwrap() > 0, "{all}");
    let looks = list(all, "looks");
    assert_eq!(looks.len(), 10, "{all}");
    for (look, process) in looks.iter().zip(["otpostd", "otpost-radius"].into_iter().cycle()) {
        assert_eq!(text(look, "process"), process);
        let kib = |field: &str| look["memory"][field].as_u64().unwrap();
        assert!(
            kib("anonymous") > 0 && kib("resident") > kib("anonymous"),
            "{look}"
        );
    }
    let when = |wanted: &str| looks.iter().any(|look| text(look, "when").starts_with(wanted));
    for wanted in [
        "just started",
        "after passwords were checked",
        "after 0 s of rest",
    ] {
        assert!(when(wanted), "{wanted}: {all}");
    }
    assert!(!when("after 0 logins"), "{all}");
}

fn pam(all: &Value) {
    let rows = list(all, "rows");
    let services: Vec<&str> = rows.iter().map(|row| text(row, "service")).collect();
    assert_eq!(
        services,
        [
            "bench-permit",
            "bench-stub",
            "bench-google",
            "bench-otpost",
            "bench-radius",
            "bench-radius2"
        ]
    );
    let ours = |row: &&Value| ["bench-stub", "bench-otpost"].contains(&text(row, "service"));
    for row in rows {
        let [part] = list(row, "parts") else {
            panic!("one part: {row}")
        };
        number(part, "rounds", PAM_LOGINS);
    }
    let ours = rows.iter().filter(ours).map(|row| &row["parts"][0]);
    for part in ours.chain([&all["long"]]) {
        number(part, "rounds", PAM_LOGINS);
        for left in ["descriptors", "threads"] {
            number(part, left, 0);
        }
    }
}

fn uniform(all: &Value) {
    let rows = list(all, "rows");
    assert_eq!(rows.len(), 6, "{all}");
    for row in rows {
        number(row, "tries", 9);
        assert!(row["median"].as_f64().unwrap() > 0.0, "{row}");
    }
    assert_eq!(text(&rows[0], "kind"), "unknown");
    assert_eq!(rows[0]["t"].as_f64(), Some(0.0));
}

#[test]
fn a_short_benchmark_beside_what_hangs_has_it_hang_all_the_while_and_loses_nothing() {
    let scratch = Scratch::new();
    let ended = run(&mut bench(scratch.path(), &["disturbed", "report"]));
    assert!(ended.status.success(), "{}", ended.err);
    let all = figures(scratch.path(), "disturbed");
    let people = all["people"].as_u64().unwrap();
    let rows = list(&all, "rows");
    let beside: Vec<&str> = rows.iter().map(|row| text(row, "beside")).collect();
    assert_eq!(beside, ["nothing", "slow-texts", "hung-directory"]);
    for row in rows {
        let [round] = list(row, "rounds") else {
            panic!("one round: {row}")
        };
        let figures = &round["figures"];
        assert!(figures["logins"].as_u64().unwrap() > 0, "{row}");
        for counter in ["lost", "forged", "refused"] {
            number(figures, counter, 0);
        }
        // Whoever was let go after ten seconds comes back at once, but may be on the way.
        let least = if text(row, "beside") == "nothing" {
            0
        } else {
            people / 2
        };
        for hung in list(round, "hung") {
            assert!(hung.as_u64().unwrap() >= least, "{row}");
        }
    }
    let page = fs::read_to_string(scratch.path().join("report.md")).unwrap();
    whole(
        &page,
        &[
            "\n## Logins beside others that hang\n",
            "\n20 users log in by turns, 16 at once; 1 rounds of 0.3 s of each row in turns; 32 people disturb.\n",
            "\n| nothing | 0 | ",
            "\n| texts that take 10 s | 32 | ",
            "\n| a directory that hangs | 32 | ",
            "\nIn all rounds together: 0 logins without an end, ",
        ],
    );
}

#[test]
fn a_short_benchmark_of_pages_has_every_answer_and_its_report_is_whole() {
    let path = env::var_os("PATH").unwrap_or_default();
    if !env::split_paths(&path).any(|folder| folder.join("wrk").exists()) {
        otpost_tests::skip("wrk is not installed; scripts/setup.sh check installs it");
        return;
    }
    let scratch = Scratch::new();
    let ended = run(&mut bench(scratch.path(), &["portal", "report"]));
    assert!(ended.status.success(), "{}", ended.err);
    assert!(!ended.err.contains("not clean"), "{}", ended.err);
    portal(&figures(scratch.path(), "portal"));
    let page = fs::read_to_string(scratch.path().join("report.md")).unwrap();
    whole(
        &page,
        &[
            "\n## Portal\n",
            "\n40 users with a token each, ",
            "\n| home | 20 | ",
            "\n| Users: nobody is found | 20 | ",
            "\n| sign-in with a password | 8 | ",
            " 0 with another status than they should have, 0 broken connections, 0 timeouts, ",
            "\nAim: with 100000 users, 200 requests a second and 2 processors, ",
            "\n| self-service: sign-in | 6 | 0 | ",
            "\n| over HTTP | 3 | ",
        ],
    );
}

fn portal(all: &Value) {
    assert_eq!(all["tokens"].as_u64(), Some(TOKENS));
    let rows = list(all, "rows");
    assert_eq!(rows.len(), 13, "{all}");
    for row in rows {
        let served = &row["served"];
        assert!(served["right"].as_u64().unwrap() > 0, "{row}");
        for counter in ["other", "broken", "timeouts"] {
            number(served, counter, 0);
        }
        let time = |field: &str| served[field].as_f64().unwrap();
        assert!(0.0 < time("p50") && time("p50") <= time("p99"), "{row}");
        assert!(time("p99") <= time("longest"), "{row}");
        assert!(row["looked_at"].as_u64().unwrap() > 0, "{row}");
        number(row, "missing", 0);
        // Both programs had their part.
        assert!(row["portal"].as_f64().unwrap() > 0.0, "{row}");
        assert!(row["daemon"].as_f64().unwrap() > 0.0, "{row}");
    }
    let without_aim: Vec<&str> = (rows.iter())
        .filter(|row| row["aim"] == false)
        .map(|row| text(row, "page"))
        .collect();
    assert_eq!(without_aim, ["sign-in with a password"]);
    first(all);
    let people = list(all, "people");
    assert_eq!(people.len(), PEOPLE);
    for took in people {
        let (all, text) = (took["all"].as_f64().unwrap(), took["text"].as_f64().unwrap());
        assert!(0.0 < text && text < all, "{took}");
    }
    assert!(list(all, "browser").is_empty());
}

/// What is loaded does not depend on the machine, so here the aim is looked at as well.
fn first(all: &Value) {
    for page in list(all, "first") {
        assert!(list(page, "elsewhere").is_empty(), "{page}");
        let parts = list(page, "parts");
        for kind in [".css", ".js", ".svg"] {
            let of_kind = |part: &&Value| text(part, "path").ends_with(kind);
            let found: Vec<&Value> = parts.iter().filter(of_kind).collect();
            assert!(!found.is_empty(), "{kind}: {page}");
            assert!(found.iter().all(|part| text(part, "coding") == "gzip"), "{page}");
        }
        let octets: u64 = parts.iter().map(|part| part["body"].as_u64().unwrap()).sum();
        assert!((1..60_000).contains(&octets), "{octets} octets: {page}");
    }
}

fn report(page: &str) {
    let parts = [
        "# Benchmarks\n",
        "\n| FreeRADIUS | 3.",
        "\n## Logins over RADIUS\n",
        "\n40 tokens in otpost, 20 users log in by turns (20 in the users file); 1 rounds of 0.3 s in turns; ",
        "\n| 8 | otpost | ",
        "\n| 8 | FreeRADIUS, challenge | ",
        "\n| 8 | FreeRADIUS, password | ",
        "\n| 8 | otpost, all processors shared with the generator | ",
        "\nIn all rounds together: 0 logins without an end, ",
        " 0 replies with a wrong authenticator, 0 refusals.\n",
        "\n## Memory\n",
        "\n| otpost-radius | after 0 s of rest | ",
        "\n## Logins through PAM\n",
        "\n| pam_otpost + otpostd: durable, with a text | ",
        "\n| pam_radius_auth + FreeRADIUS: challenge | ",
        " our module left 0 descriptors, 0 threads, ",
        "\n## Refused sign-ins\n",
        "\n| nobody has the name | 9 | ",
        "\n| right password, locked | 9 | ",
    ];
    whole(page, &parts);
}

#[track_caller]
fn whole(page: &str, parts: &[&str]) {
    for part in parts {
        assert!(page.contains(part), "{part:?} is missing: {page}");
    }
    // No figure is missing or no number.
    for wrong in ["NaN", "inf", "| |  "] {
        assert!(!page.contains(wrong), "{wrong:?}: {page}");
    }
}

#[test]
fn a_setting_that_is_no_number_is_named() {
    let scratch = Scratch::new();
    let wrong = [
        ("BENCH_TOKENS", "many"),
        ("BENCH_SECONDS", "many"),
        ("BENCH_WINDOWS", "many"),
        ("BENCH_WARM_UP", "many"),
        ("BENCH_RATE", "0"),
    ];
    for (name, value) in wrong {
        let ended = run(bench(scratch.path(), &["report"]).env(name, value));
        assert_eq!(ended.status.code(), Some(1), "{ended:?}");
        assert!(
            ended.err.starts_with(&format!("otpost-bench: {name}: ")),
            "{ended:?}"
        );
    }
    let ended = run(&mut bench(scratch.path(), &[]));
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert!(ended.err.contains("usage: otpost-bench PART..."), "{ended:?}");
    assert!(!scratch.path().join("report.md").exists());
}
