"""Makes events.tfevents: three scalars written by TensorBoard's own writer, with fixed times.

Command: python make-events.py   (needs tensorboard)
"""
import glob
import os
import time
from unittest import mock
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.event_file_writer import EventFileWriter

for old in glob.glob("/tmp/events/*"):
    os.remove(old)
with mock.patch("time.time", return_value=1700000000.25):
    writer = EventFileWriter("/tmp/events")
for step, tag, value in ((1, "train/loss", 2.5), (2, "train/loss", 1.2345678), (300, "train/grad_norm", -0.0), (300, "eval/loss", 1e-8)):
    writer.add_event(Event(wall_time=1700000001.5 + step, step=step, summary=Summary(value=[Summary.Value(tag=tag, simple_value=value)])))
writer.close()
[path] = glob.glob("/tmp/events/*")
data = open(path, "rb").read()
open("events.tfevents", "wb").write(data)
print(os.path.basename(path), data.hex())
