drop table holdfast.consumer_pause;
