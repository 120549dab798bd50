//! Formats that contain ADF: mails and web pages. It does not know their content.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::escape;

const HEAD: &str = "Return-Path: <leads@carfinder.example>\r
From: CarFinder <leads@carfinder.example>\r
To: leads@mainstreet.example\r
Date: Mon, 30 Mar 2026 15:30:30 -0500\r
MIME-Version: 1.0\r
";

/// A mail with the document as text.
pub fn plain_mail(subject: &str, adf: &str) -> String {
    format!("{HEAD}Subject: {subject}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{}", adf.replace('\n', "\r\n"))
}

/// A mail with some text and the document as a base64 attachment.
pub fn mail_with_attachment(subject: &str, adf: &str) -> String {
    let encoded = STANDARD.encode(adf);
    let lines: Vec<&str> = encoded.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap_or("")).collect();
    format!(
        "{HEAD}Subject: {subject}\r
Content-Type: multipart/mixed; boundary=\"cf-31\"\r
\r
--cf-31\r
Content-Type: text/plain; charset=utf-8\r
\r
A new lead is attached.\r
--cf-31\r
Content-Type: application/xml; name=\"lead.xml\"\r
Content-Transfer-Encoding: base64\r
Content-Disposition: attachment; filename=\"lead.xml\"\r
\r
{}\r
--cf-31--\r
",
        lines.join("\r\n")
    )
}

/// A mail with text and HTML parts, of which the HTML part contains the document.
pub fn mail_with_html(subject: &str, adf: &str) -> String {
    format!(
        "{HEAD}Subject: {subject}\r
Content-Type: multipart/alternative; boundary=\"cf-32\"\r
\r
--cf-32\r
Content-Type: text/plain; charset=utf-8\r
\r
Your mail program shows no HTML.\r
--cf-32\r
Content-Type: text/html; charset=utf-8\r
\r
{}\r
--cf-32--\r
",
        html(adf)
    )
}

/// A web page or HTML mail body with the document as text.
pub fn html(adf: &str) -> String {
    format!("<html><body><p>New lead!</p><pre>{}</pre></body></html>", escape(adf).replace('\n', "<br>\n"))
}
