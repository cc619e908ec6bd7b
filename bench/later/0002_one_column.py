from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("procurement", "0001_initial")]
    operations = [
        migrations.AddField("need", "later", models.CharField(max_length=20, default="", db_default="")),
        # It finds the index by the name that the template's has.
        migrations.RenameIndex("need", new_name="need_opened", old_name="need_open"),
    ]
