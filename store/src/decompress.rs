//! Reading compressed files, whose first bytes tell how they are compressed.

use std::io::{self, BufRead, BufReader, Read};

/// What the data of `source` is once it is decompressed. What no known format begins is taken as it is.
pub fn decompress<'r>(source: impl Read + 'r) -> io::Result<Box<dyn Read + 'r>> {
    let mut source = BufReader::new(source);
    let start = source.fill_buf()?;
    Ok(if start.starts_with(b"\x1f\x8b") {
        Box::new(flate2::bufread::MultiGzDecoder::new(source))
    } else if start.starts_with(b"BZh") {
        Box::new(bzip2::bufread::MultiBzDecoder::new(source))
    } else if start.starts_with(b"\xfd7zXZ\0") {
        Box::new(liblzma::bufread::XzDecoder::new_multi_decoder(source))
    } else if start.starts_with(b"\x28\xb5\x2f\xfd") {
        Box::new(zstd::stream::read::Decoder::with_buffer(source)?)
    } else {
        Box::new(source)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn shown(data: &[u8]) -> Vec<u8> {
        let mut out = vec![];
        decompress(data).unwrap().read_to_end(&mut out).unwrap();
        out
    }

    #[test]
    fn every_format() {
        let text = b"some text, some text, some text";
        let mut gzip = flate2::write::GzEncoder::new(vec![], flate2::Compression::default());
        gzip.write_all(text).unwrap();
        assert_eq!(shown(&gzip.finish().unwrap()), text);
        let mut bzip2 = bzip2::write::BzEncoder::new(vec![], bzip2::Compression::default());
        bzip2.write_all(text).unwrap();
        assert_eq!(shown(&bzip2.finish().unwrap()), text);
        let mut xz = liblzma::write::XzEncoder::new(vec![], 6);
        xz.write_all(text).unwrap();
        assert_eq!(shown(&xz.finish().unwrap()), text);
        assert_eq!(shown(&zstd::stream::encode_all(&text[..], 3).unwrap()), text);
        assert_eq!(shown(text), text);
        assert_eq!(shown(b""), b"");
    }
}
