"""Makes the seeds of the fuzz targets from tests/compat/corpus: seeds.py CORPUS OUT"""
import pathlib
import sys

corpus, out = map(pathlib.Path, sys.argv[1:3])
folders = {name: out / name for name in ("event_decode", "json_read", "frame")}
for folder in folders.values():
    folder.mkdir(parents=True, exist_ok=True)
count = 0
for file in sorted(corpus.glob("*.txt")):
    lines = file.read_text().splitlines()
    for i in range(0, len(lines), 3):
        name = f"{file.stem}-{i // 3}"
        record = bytes.fromhex(lines[i])
        (folders["event_decode"] / name).write_bytes(record)
        (folders["json_read"] / name).write_text(lines[i + 1])
        (folders["frame"] / name).write_bytes(record[:16])
        count += 1
(folders["json_read"] / "numbers").write_text(
    '{"type":"OrderPlaced","revision":99999999999999999999,"order_id":"9\\"9",'
    '"lines":[{"line_no":1e999,"quantity_milli":-0,"unit_price_micro":1.5}]}')
print(f"{count} records")
sys.exit(not count)
