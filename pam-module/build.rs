//! Links the unwinder into the module.
//!
//! libgcc_s.so is the module's one dependency that host programs have not loaded already, and its constructor asks
//! the processor for its features, which traps in a virtual machine: a third of the time that loading the module
//! takes. libgcc_eh.a is the same unwinder; where there is none, the shared one is linked as usual.

use std::env;
use std::path::PathBuf;
use std::process::Command;

#[expect(clippy::disallowed_macros, reason = "cargo reads the standard output")]
fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=CC");
    if let Some(directory) = unwinder() {
        println!("cargo:rustc-link-search=native={}", directory.display());
        println!("cargo:rustc-link-lib=static:-bundle=gcc_eh");
    }
}

/// The directory of libgcc_eh.a, as the C compiler knows it. Not for cross builds: it would be another machine's.
fn unwinder() -> Option<PathBuf> {
    let same = env::var_os("HOST")? == env::var_os("TARGET")?;
    if !same || env::var("CARGO_CFG_TARGET_ENV").ok()? != "gnu" {
        return None;
    }
    let compiler = env::var_os("CC").unwrap_or_else(|| "cc".into());
    let output = Command::new(compiler)
        .arg("-print-file-name=libgcc_eh.a")
        .output()
        .ok()?;
    let archive = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
    // A compiler that has none answers with the bare name.
    let found = output.status.success() && archive.is_absolute() && archive.exists();
    archive.parent().filter(|_| found).map(PathBuf::from)
}
