//! Builds the web pages and lists them as embedded files.
//!
//! In: `ui/` (sources, lock file) and the environment variable `ORTOO_PAGES`. Out:
//! `$OUT_DIR/pages.rs`, a table of files with their bytes, which `src/lib.rs` includes. The source
//! folder is never written to: the work happens in a copy below the target folder, shared by all
//! profiles, where `npm ci` runs when the lock file changed and Vite when any source did.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// What the built pages depend on, below `ui/`. Tests and tool settings are left out, so that
/// changing them rebuilds nothing.
const SOURCES: [&str; 9] = [
    "package.json",
    "package-lock.json",
    ".npmrc",
    "vite.config.js",
    "svelte.config.js",
    "tsconfig.json",
    "index.html",
    "scripts",
    "src",
];

const NODE_HELP: &str = "Ortoo's pages are built with Node.js (20.19 or newer, or 22.12 or newer) and npm.\n\
     Install them, for example `apt install nodejs npm`, or from https://nodejs.org/en/download, \
     and build again.\nFor checks that need no pages set ORTOO_PAGES=skip (debug builds only).";

#[expect(
    clippy::print_stderr,
    reason = "Cargo shows what a build script says on stderr"
)]
fn main() {
    if let Err(error) = run() {
        eprintln!("\n{error}\n");
        std::process::exit(1);
    }
}

fn run() -> Outcome<()> {
    println!("cargo::rerun-if-env-changed=ORTOO_PAGES");
    let ui = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?).join("ui");
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    if std::env::var("ORTOO_PAGES").is_ok_and(|value| value == "skip") {
        if std::env::var("PROFILE")? == "release" {
            return Err(
                "ORTOO_PAGES=skip is refused in a release build: it would ship without pages."
                    .into(),
            );
        }
        return write_table(
            &out,
            &BTreeMap::from([("index.html".to_owned(), skipped_page(&out)?)]),
        );
    }

    let sources = list_sources(&ui)?;
    for folder_or_file in SOURCES {
        println!("cargo::rerun-if-changed=ui/{folder_or_file}");
    }
    for source in &sources {
        println!("cargo::rerun-if-changed=ui/{}", source.display());
    }

    let work = target_folder(&out).join("pages");
    fs::create_dir_all(&work)?;
    // Two profiles may build at once in one target folder; the second waits and finds the work done.
    let lock = fs::File::create(work.join("lock"))?;
    lock.lock()?;
    let stamp = hash_files(&ui, &sources)?;
    if fs::read_to_string(work.join("built")).ok().as_ref() != Some(&stamp) {
        build(&ui, &sources, &work)?;
        fs::write(work.join("built"), &stamp)?;
    }
    // The bytes are copied, so that a later build cannot change them under this one's compiler.
    let pages = out.join("pages");
    if pages.exists() {
        fs::remove_dir_all(&pages)?;
    }
    let mut files = BTreeMap::new();
    let dist = work.join("ui/dist");
    for file in files_below(&dist, Path::new(""))? {
        let name = file
            .to_str()
            .ok_or("page file names are UTF-8")?
            .replace('\\', "/");
        if name.starts_with(".vite/") {
            continue;
        }
        let copy = pages.join(&file);
        fs::create_dir_all(copy.parent().ok_or("a copied file has a folder")?)?;
        fs::copy(dist.join(&file), &copy)?;
        files.insert(name, copy);
    }
    write_table(&out, &files)
}

/// Brings the copy up to date and runs `npm ci` (only when the lock file changed) and Vite in it.
fn build(ui: &Path, sources: &[PathBuf], work: &Path) -> Outcome<()> {
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    if Command::new("node").arg("--version").output().is_err()
        || Command::new(npm).arg("--version").output().is_err()
    {
        return Err(NODE_HELP.into());
    }
    let copy = work.join("ui");
    for stale in ["src", "scripts", "dist"] {
        if copy.join(stale).exists() {
            fs::remove_dir_all(copy.join(stale))?;
        }
    }
    for source in sources {
        let to = copy.join(source);
        fs::create_dir_all(to.parent().ok_or("a copied file has a folder")?)?;
        fs::copy(ui.join(source), to)?;
    }
    let lock = hash_files(ui, &["package.json".into(), "package-lock.json".into()])?;
    if fs::read_to_string(work.join("installed")).ok().as_ref() != Some(&lock) {
        // Only what building needs; the tests' own tools are development dependencies.
        call(npm, &["ci", "--omit=dev", "--no-audit", "--no-fund"], &copy)?;
        fs::write(work.join("installed"), &lock)?;
    }
    call(npm, &["run", "build"], &copy)
}

/// Runs one command in `folder`; its output is shown only when it fails.
fn call(program: &str, arguments: &[&str], folder: &Path) -> Outcome<()> {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!(
        "`{program} {}` failed in {}:\n{}{}\n{NODE_HELP}",
        arguments.join(" "),
        folder.display(),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    )
    .into())
}

/// The target folder: Cargo marks it with a tag file; four levels up is where it is by custom.
fn target_folder(out: &Path) -> PathBuf {
    let tagged = out
        .ancestors()
        .find(|folder| folder.join("CACHEDIR.TAG").is_file());
    tagged
        .or_else(|| out.ancestors().nth(4))
        .unwrap_or(out)
        .to_path_buf()
}

fn list_sources(ui: &Path) -> Outcome<Vec<PathBuf>> {
    let mut sources = Vec::new();
    for name in SOURCES {
        if ui.join(name).is_dir() {
            sources.extend(files_below(ui, Path::new(name))?);
        } else {
            sources.push(name.into());
        }
    }
    sources.sort();
    Ok(sources)
}

/// Every file below `root/inside`, as paths relative to `root`.
fn files_below(root: &Path, inside: &Path) -> Outcome<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(root.join(inside))? {
        let entry = entry?;
        let path = inside.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            files.extend(files_below(root, &path)?);
        } else {
            files.push(path);
        }
    }
    Ok(files)
}

fn hash_of(value: &impl Hash) -> String {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

fn hash_files(root: &Path, files: &[PathBuf]) -> Outcome<String> {
    let mut contents = Vec::new();
    for file in files {
        let bytes =
            fs::read(root.join(file)).map_err(|why| format!("{}: {why}", file.display()))?;
        contents.push((file, bytes));
    }
    Ok(hash_of(&contents))
}

/// Writes the table of embedded files, sorted by path; a `.gz` goes with the file it packs.
fn write_table(out: &Path, files: &BTreeMap<String, PathBuf>) -> Outcome<()> {
    let mut table = String::from("[\n");
    for (name, path) in files {
        let extension = Path::new(name)
            .extension()
            .and_then(|text| text.to_str())
            .unwrap_or("");
        if extension == "gz" {
            continue;
        }
        let literal = |path: &Path| {
            path.to_str()
                .map(|text| format!("include_bytes!({text:?})"))
        };
        let bytes = literal(path).ok_or("the target folder's path is UTF-8")?;
        let packed = files.get(&format!("{name}.gz")).and_then(|gz| literal(gz));
        let gzip = packed.map_or("None".to_owned(), |bytes| format!("Some({bytes})"));
        let etag = hash_of(&fs::read(path)?);
        // Names below assets/ carry a hash of their content, so they may be kept for ever.
        let immutable = name.starts_with("assets/");
        let content_type = content_type(extension).ok_or(format!("{name}: unknown file type"))?;
        writeln!(
            table,
            "({name:?}, Asset {{ bytes: {bytes}, gzip: {gzip}, \
             content_type: {content_type:?}, immutable: {immutable}, etag: \"\\\"{etag}\\\"\" }}),"
        )?;
    }
    table.push_str("]\n");
    Ok(fs::write(out.join("pages.rs"), table)?)
}

fn content_type(extension: &str) -> Option<&'static str> {
    Some(match extension {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "json" => "application/json",
        _ => return None,
    })
}

/// The page of a build that was told to skip the pages.
fn skipped_page(out: &Path) -> Outcome<PathBuf> {
    let path = out.join("skipped.html");
    fs::write(
        &path,
        "<!doctype html><html lang=\"zh-CN\"><meta charset=\"utf-8\"><title>Ortoo</title>\
         <h1>仪驿 Ortoo</h1><p>此程序在编译时跳过了网页（ORTOO_PAGES=skip）。接口可用：\
         <a href=\"/api/docs\">/api/docs</a></p><p lang=\"en\">This build skipped the web pages \
         (ORTOO_PAGES=skip). The API works: <a href=\"/api/docs\">/api/docs</a></p></html>\n",
    )?;
    Ok(path)
}
