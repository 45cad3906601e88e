//! Photos as they travel: base64 in, their kind known from their first bytes, never from a name.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::problem::{Problem, ProblemType};
use crate::booking::Photo;
use crate::words::Said;

/// Bytes of a photo.
pub const PHOTO_BYTES_MAX: usize = 5 * 1024 * 1024;

/// First bytes of the kinds that are taken. Source: JPEG, ISO/IEC 10918-1 annex B (SOI, then the
/// next marker); PNG, ISO/IEC 15948 clause 5.2. WebP is looked at apart: its mark is in two parts.
const KINDS: [(&str, &[u8]); 2] = [
    ("image/jpeg", &[0xFF, 0xD8, 0xFF]),
    (
        "image/png",
        &[0x89, b'P', b'N', b'G', 0x0D, 0x0A, 0x1A, 0x0A],
    ),
];

/// Reads a photo from base64 text (RFC 4648 section 4), which may be a `data:` address.
///
/// # Errors
/// Returns `malformed-request` when it is not base64 or no JPEG, PNG or WebP, `too-large` above
/// 5 MiB.
pub fn read(field: &str, text: &str) -> Result<Photo, Problem> {
    let encoded = match text.split_once(";base64,") {
        Some((head, rest)) if head.starts_with("data:") => rest,
        _ => text,
    };
    // Four letters carry three bytes: what is too long is not even decoded.
    if encoded.len() / 4 > PHOTO_BYTES_MAX / 3 + 1 {
        return Err(too_large());
    }
    let wrong =
        |zh, en| Problem::new(ProblemType::MalformedRequest).and_field(field, Said::fixed(zh, en));
    let bytes = STANDARD
        .decode(encoded.trim())
        .map_err(|_| wrong("应为 base64", "expected base64"))?;
    if bytes.len() > PHOTO_BYTES_MAX {
        return Err(too_large());
    }
    let media_type = kind_of(&bytes).ok_or_else(|| {
        wrong(
            "应为 JPEG、PNG 或 WebP 图片",
            "expected a JPEG, PNG or WebP picture",
        )
    })?;
    Ok(Photo { media_type, bytes })
}

/// Returns the media type of a picture by its first bytes. WebP is a RIFF file with the form type
/// `WEBP` (RFC 9649 section 2.4).
fn kind_of(bytes: &[u8]) -> Option<&'static str> {
    let is_webp = bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP".as_slice());
    let known = KINDS.iter().find(|(_, mark)| bytes.starts_with(mark));
    known
        .map(|(kind, _)| *kind)
        .or_else(|| is_webp.then_some("image/webp"))
}

/// Returns the end of a file's name for a media type.
#[must_use]
pub fn extension(media_type: &str) -> &'static str {
    match media_type {
        "image/png" => "png",
        "image/webp" => "webp",
        _ => "jpg",
    }
}

/// Returns the problem of a report or a photo that is too large.
#[must_use]
pub fn too_large() -> Problem {
    let detail = Said::fixed("照片不得超过 5 MiB", "A photo may have at most 5 MiB");
    Problem::new(ProblemType::TooLarge).detail(detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], expected: Option<&str>) {
        let text = STANDARD.encode(bytes);
        for text in [text.clone(), format!("data:text/html;base64,{text}")] {
            let found = read("photo", &text).ok();
            assert_eq!(found.as_ref().map(|photo| photo.media_type), expected);
            assert_eq!(
                found.map(|photo| photo.bytes),
                expected.map(|_| bytes.into())
            );
        }
    }

    #[test]
    fn the_bytes_tell_the_kind() {
        check(b"\xFF\xD8\xFF\xE0 ...", Some("image/jpeg"));
        check(b"\x89PNG\r\n\x1A\n...", Some("image/png"));
        check(b"RIFF\x10\0\0\0WEBPVP8 ", Some("image/webp"));
        check(b"RIFF\x10\0\0\0WAVEfmt ", None);
        check(b"RIFF", None);
        check(b"GIF89a", None);
        check(b"<svg onload=alert(1)>", None);
        check(b"<html>\xFF\xD8\xFF", None);
        check(b"", None);
        assert!(read("photo", "???").is_err());
    }

    #[test]
    fn five_mebibytes_pass_and_no_more() {
        let mut bytes = vec![0xFF; PHOTO_BYTES_MAX];
        bytes[1] = 0xD8;
        check(&bytes, Some("image/jpeg"));
        for more in [1, 3, 4096] {
            let long = STANDARD.encode([bytes.clone(), vec![0; more]].concat());
            let problem = read("photo", &long).unwrap_err();
            assert_eq!(problem.kind(), ProblemType::TooLarge);
        }
    }
}
