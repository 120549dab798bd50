//! Parses media types of header fields: `type/subtype; name=value`. Nothing else of MIME.

/// Whether a content type has this media type, ignoring parameters and case.
pub fn is(content_type: &str, media_type: &str) -> bool {
    essence(content_type).eq_ignore_ascii_case(media_type)
}

/// Type and subtype without parameters.
pub fn essence(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or_default().trim()
}

/// The `charset` parameter.
pub fn charset(content_type: &str) -> Option<String> {
    parameter(content_type, "charset")
}

/// A parameter's value without quotes; `None` if absent or empty.
pub fn parameter(content_type: &str, name: &str) -> Option<String> {
    content_type.split(';').skip(1).find_map(|parameter| {
        let (key, value) = parameter.split_once('=')?;
        let value = value.trim().trim_matches('"');
        (key.trim().eq_ignore_ascii_case(name) && !value.is_empty()).then(|| value.to_owned())
    })
}

/// Whether a media type is XML of some kind, also ADF's own.
pub fn is_xml(essence: &str) -> bool {
    let essence = essence.to_ascii_lowercase();
    matches!(essence.as_str(), "application/xml" | "text/xml" | "application/x-adf" | "application/adf")
        || essence.ends_with("+xml") && !matches!(essence.as_str(), "image/svg+xml" | "application/xhtml+xml")
}
