//! The web pages of Ortoo as bytes inside the program.
//!
//! In: the files that `build.rs` built from `ui/`. Out: [`asset`] and [`index`], which know a
//! file's type, its packed form and how long a browser may keep it. Deliberately not here: HTTP;
//! the gateway chooses headers and encodings.

/// One embedded file of the pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asset {
    /// The file as it is.
    pub bytes: &'static [u8],
    /// The same bytes packed with gzip at build time; `None` where packing gains nothing.
    pub gzip: Option<&'static [u8]>,
    /// Value for the `Content-Type` header.
    pub content_type: &'static str,
    /// Whether the name carries a hash of the content, so that a cache may keep it for ever.
    pub immutable: bool,
    /// Strong entity tag of `bytes`, with its quotes.
    pub etag: &'static str,
}

/// Value for the `Content-Security-Policy` header of every page.
///
/// No inline script and nothing from other hosts. Inline style *attributes* are allowed because
/// the calendar places its blocks with them.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; \
     style-src 'self'; style-src-attr 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The icon, an SVG picture: for those who ask for it without having read a page.
pub const ICON: &[u8] = include_bytes!("../ui/src/icon.svg");

/// All files, sorted by path.
static FILES: &[(&str, Asset)] = &include!(concat!(env!("OUT_DIR"), "/pages.rs"));

/// Returns the embedded file at `path`, such as `assets/index-1a2b3c4d.js`.
///
/// One leading slash is accepted. Costs `O(log n)` in the number of files (about 30).
#[must_use]
pub fn asset(path: &str) -> Option<Asset> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let found = FILES.binary_search_by_key(&path, |(name, _)| name).ok()?;
    FILES.get(found).map(|(_, asset)| *asset)
}

/// Returns the page that every route of the single-page application starts from.
///
/// # Panics
/// Never in a program that was built: `build.rs` always writes `index.html`.
#[must_use]
pub fn index() -> Asset {
    asset("index.html").expect("the build wrote index.html")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_start_page_with_and_without_slash() {
        assert_eq!(asset("/index.html"), Some(index()));
        assert!(index().content_type.starts_with("text/html"));
        assert!(!index().immutable);
    }

    #[test]
    fn knows_nothing_outside_the_build() {
        for path in [
            "",
            "/",
            "assets",
            "assets/",
            "../Cargo.toml",
            "index.html.gz",
            "//index.html",
        ] {
            assert_eq!(asset(path), None, "{path}");
        }
    }

    #[test]
    fn keeps_the_table_sorted_so_that_search_is_right() {
        assert!(FILES.is_sorted_by_key(|(name, _)| name));
    }
}
