//! Handwritten seeds: requests with headers, and settings with every kind of section.

use crate::Seeds;

const CLOUDEVENTS: [(&str, &str); 4] = [
    (
        "binary",
        "content-type: text/plain; charset=latin1\nce-specversion: 1.0\nce-id: \"a\\\"1\"\nce-source: /crm%20north\nce-type: com.example.lead.v1\n\
         ce-subject: caf%C3%A9\nce-time: 2026-03-30T15:30:20.5-05:00\nce-dataschema: https://example.com/s\nce-partitionkey: k\n\n{\"a\":1}",
    ),
    (
        "structured",
        "content-type: application/cloudevents+json; charset=utf-8\n\n{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/x\",\
         \"type\":\"com.example.lead.v1\",\"subject\":null,\"time\":\"2026-03-30T15:30:20Z\",\"partitionkey\":\"k\",\"count\":7,\
         \"flag\":true,\"datacontenttype\":\"application/json\",\"data\":{\"n\":1.10,\"t\":[\"\\u00e9\"]}}",
    ),
    (
        "structured-base64",
        "content-type: application/cloudevents+json\n\n{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"urn:x\",\"type\":\"a.b\",\
         \"dataschema\":\"https://example.com/s\",\"datacontenttype\":\"text/plain\",\"data_base64\":\"AAECAw==\"}",
    ),
    (
        "batch",
        "content-type: application/cloudevents-batch+json\n\n[{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/x\",\"type\":\"a.b\"},\n\
         {\"specversion\":\"1.0\",\"id\":\"2\",\"source\":\"/x\",\"type\":\"a.b\",\"datacontenttype\":\"text/xml\",\"data\":\"<a/>\"}]",
    ),
];

const HOOKS: [(&str, &str); 4] = [
    (
        "standard-webhooks",
        "webhook-id: msg_p5jXN8AQM9LWM0D4loKWxJek\nwebhook-timestamp: 1774882800\nwebhook-signature: v1a,x v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=\n\
         content-type: application/json\nx-flip: 3\n\n{\"test\": 2432232314}",
    ),
    (
        "body-hmac",
        "x-signature: sha256=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\nx-id: r-1\nx-flip: 17\n\n<adf/>",
    ),
    (
        "body-hmac-base64",
        "x-signature: 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\nx-id: r-2\ncontent-type:  text/xml \n\nx",
    ),
    (
        "jwt",
        "authorization: Bearer eyJhbGciOiJIUzI1NiIsImtpZCI6ImsifQ.eyJpc3MiOiJpIiwiYXVkIjoiYSIsImV4cCI6MS43ZTl9.AAAA\n\n{}",
    ),
];

/// Every section of a settings file.
pub(crate) const SETTINGS: [(&str, &str); 2] = [
    (
        "all-sections",
        r#"rooftop = "main-street"
[config]
dealer = "4711"
since = 2026-03-30
nested = { list = [1, 2.5, true, 2026-03-30T10:00:00-05:00] }
[grants]
emits = []
[[grants.http]]
name = "crm"
host = "API.crm.example.com"
port = 8443
plaintext = false
private-addresses = true
methods = ["GET", "POST"]
paths = ["/leads/*"]
look-ups = ["/search"]
auth = { crm = "crm-north" }
[hook]
verify = "body-hmac"
secret = ["hook-new", "hook-old"]
header = "X-Signature"
encoding = "hex"
prefix = "sha256="
id-header = "x-id"
[[folders]]
name = "drops"
path = "/srv/drops"
pattern = "*.xml"
content-type = "application/xml"
settle-ms = 2000
done-days = 30
[[schedules]]
name = "morning"
cron = "0 8 * * MON-FRI"
jitter = "5m"
[[schedules]]
name = "often"
every = "15m"
"#,
    ),
    (
        "jwt",
        r#"rooftop = "a"
[hook]
verify = "jwt"
jwks-file = "k.json"
issuer = "https://id.example.com"
audience = "handoff"
algorithms = ["RS256", "EdDSA"]
leeway-seconds = 60
"#,
    ),
];

pub(crate) fn write(seeds: &Seeds) {
    for (target, messages) in [("cloudevents", CLOUDEVENTS), ("hook", HOOKS)] {
        for (name, text) in messages {
            seeds.add(target, name, text.as_bytes());
        }
    }
}
