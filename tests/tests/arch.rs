//! The architecture as a test: who may import whom, what must never be in whose tree, and how files may look.
#![forbid(unsafe_code)]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_macros,
    reason = "a test fails by panicking and speaks on standard error"
)]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package, TargetKind};

/// One row of the import table in ARCHITECTURE.md.
struct Row {
    package: &'static str,
    /// Packages of ours that it may import directly.
    may_import: &'static [&'static str],
    /// Packages that must not be in its normal dependency tree, however deep.
    never: &'static [&'static str],
}

const TABLE: &[Row] = &[
    Row {
        package: "otpost-core",
        may_import: &[],
        never: &[
            "tokio",
            "rusqlite",
            "tracing",
            "log",
            "nix",
            "getrandom",
            "rand",
            "jiff",
        ],
    },
    Row {
        package: "otpost-ipc",
        may_import: &[],
        never: &["otpost-store", "otpost-sms", "otpost-core", "tokio"],
    },
    Row {
        package: "otpost-conf",
        may_import: &[],
        never: &["otpost-core", "otpost-store", "tokio"],
    },
    Row {
        package: "otpost-radius-wire",
        may_import: &[],
        never: &["tokio", "otpost-ipc", "nix", "getrandom"],
    },
    Row {
        package: "otpost-radius-client",
        may_import: &["otpost-radius-wire"],
        never: &["tokio", "otpost-ipc", "otpost-conf"],
    },
    Row {
        package: "otpost-openvpn",
        may_import: &["otpost-radius-wire", "otpost-radius-client", "otpost-conf"],
        never: &["tokio", "otpost-ipc", "otpost-core", "otpost-store", "rusqlite"],
    },
    Row {
        package: "otpost-store",
        may_import: &["otpost-core"],
        never: &["otpost-ipc", "tokio"],
    },
    Row {
        package: "otpost-sms",
        may_import: &["otpost-core"],
        never: &["otpost-store", "otpost-ipc", "rusqlite"],
    },
    Row {
        package: "otpost-daemon",
        may_import: &[
            "otpost-core",
            "otpost-ipc",
            "otpost-conf",
            "otpost-store",
            "otpost-sms",
            "otpost-radius-wire",
        ],
        never: &["otpost-portal", "otpost-radius"],
    },
    Row {
        package: "otpost-radius",
        may_import: &["otpost-radius-wire", "otpost-ipc", "otpost-conf"],
        never: &["otpost-core", "otpost-store", "otpost-sms", "rusqlite"],
    },
    Row {
        package: "otpost-portal",
        may_import: &["otpost-ipc", "otpost-conf"],
        never: &["otpost-core", "otpost-store", "otpost-sms", "rusqlite"],
    },
    Row {
        package: "otpost-pam",
        may_import: &["otpost-ipc"],
        never: &[
            "tokio",
            "toml",
            "tracing-subscriber",
            "otpost-core",
            "otpost-store",
        ],
    },
    Row {
        package: "otpost-ctl",
        may_import: &[
            "otpost-ipc",
            "otpost-conf",
            "otpost-radius-wire",
            "otpost-radius-client",
        ],
        never: &["otpost-store", "otpost-core", "rusqlite"],
    },
    // Drives all of it from outside; nothing may import it, since no other row names it.
    Row {
        package: "otpost-tests",
        may_import: &["otpost-ipc", "otpost-radius-wire"],
        never: &[],
    },
];

/// Nobody links these, whatever for: TLS is rustls with ring, and SQLite is the only C in the tree.
const NEVER_ANYWHERE: &[&str] = &["openssl-sys", "native-tls", "aws-lc-sys"];

const MAX_LINES: usize = 800;
const AIM_LINES: usize = 400;
const MAX_MAIN_LINES: usize = 40;

fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests
        .parent()
        .expect("the workspace is around this package")
        .to_path_buf()
}

fn metadata() -> Metadata {
    (MetadataCommand::new())
        .manifest_path(root().join("Cargo.toml"))
        .no_deps()
        .other_options(["--offline".to_owned(), "--locked".to_owned()])
        .exec()
        .unwrap()
}

fn row(package: &Package) -> &'static Row {
    let name = package.name.as_str();
    (TABLE.iter().find(|row| row.package == name))
        .unwrap_or_else(|| panic!("{name} is not in the import table: add a row here and in ARCHITECTURE.md"))
}

/// All packages that are linked into `package` as it is built by itself. `cargo metadata` would not do: its features
/// are those of the whole workspace, so tokio behind the daemon's feature would show in the PAM module's tree.
fn tree(package: &str) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .current_dir(root())
        .args([
            "tree",
            "--offline",
            "--locked",
            "--edges",
            "normal",
            "--prefix",
            "none",
        ])
        .args(["--format", "{p}", "--package", package])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .filter_map(|line| line.split(' ').next())
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_crate_imports_only_what_the_table_allows() {
    let metadata = metadata();
    let packages = metadata.workspace_packages();
    let ours: BTreeSet<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    let mut wrong = Vec::new();
    for package in &packages {
        let row = row(package);
        for dependency in package
            .dependencies
            .iter()
            .filter(|d| d.kind == DependencyKind::Normal)
        {
            let name = dependency.name.as_str();
            if ours.contains(name) && !row.may_import.contains(&name) {
                wrong.push(format!("{} imports {name}", package.name));
            }
        }
    }
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn nothing_forbidden_is_anywhere_in_a_crate_s_tree() {
    let mut wrong = Vec::new();
    for package in metadata().workspace_packages() {
        let tree = tree(&package.name);
        assert!(tree.contains(package.name.as_str()), "{tree:?}");
        for name in row(package).never.iter().chain(NEVER_ANYWHERE) {
            if tree.contains(*name) {
                wrong.push(format!("{} has {name} in its tree", package.name));
            }
        }
    }
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn tokio_is_an_option_of_ipc_and_not_a_default() {
    let metadata = metadata();
    let packages = metadata.workspace_packages();
    let ipc = packages
        .iter()
        .find(|package| package.name == "otpost-ipc")
        .unwrap();
    assert_eq!(
        ipc.features.get("tokio").map(Vec::as_slice),
        Some(["dep:tokio".to_owned()].as_slice())
    );
    assert_eq!(ipc.features.get("default"), None);
}

/// A Rust file of the workspace.
struct Source {
    /// Relative to the workspace.
    path: PathBuf,
    text: String,
}

impl Source {
    fn all() -> Vec<Self> {
        let mut files = Vec::new();
        collect(&root(), Path::new(""), &mut files);
        assert!(
            files
                .iter()
                .any(|file| file.path == Path::new("tests/tests/arch.rs"))
        );
        files
    }

    /// Whether the whole file is test code.
    fn is_test(&self) -> bool {
        self.path
            .iter()
            .any(|part| ["tests", "tests.rs", "examples"].iter().any(|test| part == *test))
    }

    /// Whether this is where a process touches clock, randomness and the operating system.
    fn is_sys(&self) -> bool {
        self.path.file_name().is_some_and(|name| name == "sys.rs")
    }

    fn is_pam_sys(&self) -> bool {
        self.path == Path::new("pam-module/src/sys.rs")
    }

    /// The lines before the tests at the end of the file.
    fn product_lines(&self) -> Vec<&str> {
        let lines: Vec<&str> = self.text.lines().collect();
        let tests = (lines.windows(2)).position(|pair| {
            matches!(pair, [attribute, module] if *attribute == "#[cfg(test)]" && module.starts_with("mod tests"))
        });
        let end = tests.unwrap_or(lines.len());
        lines.into_iter().take(end).collect()
    }

    /// The lines that hold a needle, as `path:line: text`.
    fn hits(&self, found: impl Fn(&str) -> bool) -> Vec<String> {
        (self.product_lines().iter().enumerate())
            .filter(|(_, line)| found(line))
            .map(|(index, line)| format!("{}:{}: {}", self.path.display(), index + 1, line.trim()))
            .collect()
    }
}

fn collect(root: &Path, below: &Path, files: &mut Vec<Source>) {
    for entry in fs::read_dir(root.join(below)).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let path = below.join(&name);
        if entry.file_type().unwrap().is_dir() {
            if !name.starts_with('.') && name != "target" {
                collect(root, &path, files);
            }
        } else if name.ends_with(".rs") {
            let text = fs::read_to_string(entry.path()).unwrap();
            files.push(Source { path, text });
        }
    }
}

#[test]
fn no_file_is_too_long_to_read() {
    let mut long = Vec::new();
    for file in Source::all().iter().filter(|file| !file.is_test()) {
        let lines = file.product_lines().len();
        if lines > AIM_LINES {
            eprintln!(
                "for information: {} has {lines} lines; we aim at {AIM_LINES}",
                file.path.display()
            );
        }
        if lines > MAX_LINES {
            long.push(format!("{} has {lines} lines", file.path.display()));
        }
    }
    assert_eq!(long, [""; 0], "split what is above {MAX_LINES} lines");
}

#[test]
fn every_main_is_thin() {
    for file in Source::all()
        .iter()
        .filter(|file| file.path.ends_with("src/main.rs"))
    {
        let lines = file.text.lines().count();
        assert!(
            lines < MAX_MAIN_LINES,
            "{} has {lines} lines: move code into the library",
            file.path.display()
        );
    }
}

#[test]
fn every_crate_forbids_unsafe_code_but_the_pam_module() {
    let mut open = Vec::new();
    for package in metadata().workspace_packages() {
        for target in &package.targets {
            let linked = [
                TargetKind::Lib,
                TargetKind::Bin,
                TargetKind::CDyLib,
                TargetKind::RLib,
            ];
            if package.name == "otpost-pam" || !target.kind.iter().any(|kind| linked.contains(kind)) {
                continue;
            }
            let text = fs::read_to_string(&target.src_path).unwrap();
            if !text.lines().any(|line| line == "#![forbid(unsafe_code)]") {
                open.push(target.src_path.to_string());
            }
        }
    }
    assert_eq!(open, [""; 0], "#![forbid(unsafe_code)] is missing");
}

/// Whether a line of code, not of comment, opens something unsafe or permits it.
fn opens_unsafe(line: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    let permits = code.contains("unsafe_code") && !code.contains("forbid(unsafe_code)");
    let word = |part: &str| part.trim_matches(|c: char| !c.is_alphanumeric() && c != '_') == "unsafe";
    permits || code.contains("#[unsafe(") || code.split_whitespace().any(word)
}

#[test]
fn unsafe_code_is_found_in_one_file_only() {
    assert!(opens_unsafe("    let x = unsafe { *p };"));
    assert!(opens_unsafe("unsafe impl Send for X {}"));
    assert!(opens_unsafe("#[expect(unsafe_code, reason = \"\")]"));
    assert!(opens_unsafe("#[unsafe(no_mangle)]"));
    assert!(!opens_unsafe("// unsafe is not used here"));
    assert!(!opens_unsafe("#![forbid(unsafe_code)]"));
    let hits: Vec<String> = (Source::all().iter())
        .filter(|file| !file.is_pam_sys() && !file.is_test())
        .flat_map(|file| file.hits(opens_unsafe))
        .collect();
    // That each block there says why it is sound is clippy's part: undocumented_unsafe_blocks.
    assert_eq!(hits, [""; 0], "unsafe belongs to pam-module/src/sys.rs");
}

#[test]
fn clock_randomness_and_waiting_are_excused_in_sys_rs_only() {
    let hits: Vec<String> = (Source::all().iter())
        .filter(|file| !file.is_sys() && !file.is_test())
        .flat_map(|file| file.hits(|line| line.contains("clippy::disallowed_methods")))
        .collect();
    assert_eq!(hits, [""; 0], "move the call into the crate's sys.rs");
}

#[test]
fn nothing_is_left_undone_and_no_test_is_switched_off() {
    // Spelled in two parts, so that this file does not find itself.
    let needles = [
        concat!("todo", "!("),
        concat!("unimplemented", "!("),
        concat!("#[ign", "ore"),
        concat!("FIX", "ME"),
    ];
    let mut hits = Vec::new();
    for file in Source::all() {
        for (index, line) in file.text.lines().enumerate() {
            if needles.iter().any(|needle| line.contains(needle)) {
                hits.push(format!("{}:{}: {}", file.path.display(), index + 1, line.trim()));
            }
        }
    }
    assert_eq!(hits, [""; 0]);
}
