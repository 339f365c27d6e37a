use std::process::Command;

use crate::say;

/// Everything that the counts depend on besides the code; `None`, loudly, where there is no
/// valgrind.
pub(crate) fn found() -> Option<String> {
    let Some(valgrind) = first_line("valgrind", &["--version"]) else {
        say("SKIPPED: valgrind is not installed (`make setup-test` installs it)");
        assert!(
            std::env::var_os("TIDEGATE_REQUIRE_PEERS").is_none(),
            "TIDEGATE_REQUIRE_PEERS is set and valgrind is missing"
        );
        return None;
    };
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let rustc = first_line(&rustc, &["--version"])?;
    let libc = first_line("getconf", &["GNU_LIBC_VERSION"]).unwrap_or_else(|| "no glibc".into());
    // The commit and the date say no more than the version.
    let rustc = rustc.split(" (").next().unwrap_or_default().to_owned();
    Some([&rustc, &libc, &valgrind, processor()].join(", "))
}

/// Ciphers and searches choose their code by what the processor can do.
fn processor() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("aes") {
        return "x86_64 with AVX2 and AES";
    }
    std::env::consts::ARCH
}

fn first_line(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.lines().next().map(str::to_owned)
}
