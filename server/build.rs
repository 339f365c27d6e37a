//! Finds the dashboard to build in: `web/dist`, or a page that says how to build it.

use std::path::{Path, PathBuf};

const PLACEHOLDER: &str = r#"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Tidegate</title>
<style>
  body { background: #0E1113; color: #E9EDF0; font: 15px/1.5 system-ui, sans-serif;
         max-width: 40em; margin: 4em auto; padding: 0 1em }
  code { color: #74B8FF }
</style>
<h1>Tidegate is running, without its dashboard</h1>
<p>This program was built without the dashboard. The API works all the same: see
<code>/api/v1/openapi.json</code>.</p>
<p>To build the dashboard in, run <code>make build</code> in Tidegate's folder: it brings
Node where it is missing. By hand: <code>cd web</code>, <code>npm ci</code>,
<code>npm run build</code>, then <code>cargo build --release</code> again.</p>
</html>
"#;

fn main() -> std::io::Result<()> {
    let manifest = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default());
    let built = manifest.join("../web/dist");
    let dashboard = if built.join("index.html").is_file() {
        // Cargo watches a folder's files, new and gone ones included.
        println!("cargo::rerun-if-changed={}", built.display());
        built
    } else {
        println!("cargo::rerun-if-changed={}", existing(&built).display());
        placeholder()?
    };
    println!(
        "cargo::rustc-env=TIDEGATE_DASHBOARD={}",
        dashboard.display()
    );
    println!("cargo::rerun-if-changed=build.rs");
    Ok(())
}

/// The nearest folder that exists: something new in it may be the dashboard.
fn existing(built: &Path) -> &Path {
    if built.exists() {
        built
    } else {
        built.parent().unwrap_or(built)
    }
}

fn placeholder() -> std::io::Result<PathBuf> {
    let folder = PathBuf::from(std::env::var("OUT_DIR").unwrap_or_default()).join("dashboard");
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("index.html"), PLACEHOLDER)?;
    Ok(folder)
}
